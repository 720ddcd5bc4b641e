"""The health page: one HTML document without script and without anything from elsewhere."""

from datetime import datetime
from html import escape

from gateway.health import PeerHealth, PlatformHealth

# Nothing but the page's own style may load or run.
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

_STYLE = """
:root { color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1c2430; --quiet: #647084; --line: #e1e5eb;
  --good: #1a7f4b; --bad: #c2352b; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #11151b; --card: #1a2029; --ink: #e7ebf0; --quiet: #96a1b2; --line: #2a323e;
  --good: #4cc38a; --bad: #ff7a70; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 3rem 1.25rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 54rem; margin: 0 auto; }
h1 { margin: 0; font-size: 1.5rem; letter-spacing: -0.01em; }
p { margin: 0.25rem 0 1.5rem; color: var(--quiet); }
table { width: 100%; border-collapse: collapse; border-spacing: 0; overflow: hidden;
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
th, td { padding: 0.7rem 1rem; text-align: left; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-size: 0.8rem; font-weight: 600; color: var(--quiet); }
tbody th { font-weight: 600; }
td.address { font-family: ui-monospace, monospace; font-size: 0.9rem; }
td.number { text-align: right; font-variant-numeric: tabular-nums; color: var(--quiet); }
small { display: block; color: var(--quiet); }
.dot { display: inline-block; width: 0.6rem; height: 0.6rem; margin-right: 0.5rem;
  border-radius: 50%; background: var(--bad); }
.serving .dot { background: var(--good); }
"""


def health_page(health: PlatformHealth, *, now: datetime, refresh_s: int) -> str:
    """The HTML of the page; it loads itself again every `refresh_s` seconds."""
    serving = sum(peer.is_serving for peer in health.peers)
    rows = "\n".join(_row(peer) for peer in health.peers)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{refresh_s}">
<title>aimlnf: {escape(health.status)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>aimlnf</h1>
<p>{serving} of {len(health.peers)} network functions serve, asked at
<time datetime="{now.isoformat()}">{now:%H:%M:%S} UTC</time>.
The same as JSON: <a href="api/health">api/health</a></p>
<table>
<thead><tr><th>Network function</th><th>Health</th><th>gRPC address</th><th>Answer</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
"""


def _row(peer: PeerHealth) -> str:
    detail = f"<small>{escape(peer.detail)}</small>" if peer.detail else ""
    return (
        f'<tr class="{"serving" if peer.is_serving else "away"}"><th>{escape(peer.name)}</th>'
        f'<td><span class="dot"></span>{escape(peer.status)}{detail}</td>'
        f'<td class="address">{escape(peer.address)}</td>'
        f'<td class="number">{peer.answer_ms:.1f} ms</td></tr>'
    )
