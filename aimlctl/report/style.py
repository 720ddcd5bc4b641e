"""The report's style sheet: one set of names for the page and its pictures, light and dark."""

STYLE = """
:root { color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1b2330; --quiet: #627085; --line: #e3e7ed;
  --after: #2459d8; --before: #9aa5b5; --bound: #d0700a; --bar: #6f93ea; --rain: #dbe7fb;
  --even: #f1ecfb; --odd: #eaf4ee; --pass: #3a7d5c;
  --training: #2459d8; --publishing: #8a97ab; --testing: #7a4fd0; --approval: #b0457b;
  --loading: #b86a10; --activation: #2f8a5b; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #10141a; --card: #181e27; --ink: #e8ecf2; --quiet: #95a1b3; --line: #2a323f;
  --after: #7ea6ff; --before: #6b7788; --bound: #f2a33c; --bar: #4d72c9; --rain: #1d2b45;
  --even: #221d33; --odd: #17281f; --pass: #4f9c76;
  --training: #5f8df5; --publishing: #76839a; --testing: #9a76e8; --approval: #d2699c;
  --loading: #d98b34; --activation: #46a974; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 3.5rem 1.25rem 5rem; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 66rem; margin: 0 auto; }
.overline { margin: 0 0 0.5rem; color: var(--quiet); font-size: 0.9rem; }
h1 { margin: 0 0 0.75rem; max-width: 24em; font-size: 2.1rem; line-height: 1.2;
  letter-spacing: -0.02em; text-wrap: balance; }
h2 { margin: 0 0 0.25rem; font-size: 1.15rem; letter-spacing: -0.01em; }
section > p, .lead { margin: 0 0 1rem; max-width: 46em; color: var(--quiet); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem;
  margin: 2rem 0; padding: 0; list-style: none; }
.cards li, section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; }
.cards li { padding: 1rem 1.1rem; }
.cards strong { display: block; font-size: 1.5rem; font-weight: 650; letter-spacing: -0.02em;
  font-variant-numeric: tabular-nums; }
.cards span { color: var(--quiet); font-size: 0.85rem; }
section { margin: 1.25rem 0; padding: 1.4rem 1.5rem; overflow-x: auto; }
figure { margin: 0; min-width: 44rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem; font-size: 0.85rem; }
.key { width: 0.75rem; height: 0.75rem; margin-left: 0.9rem; border-radius: 3px; }
.key:first-child { margin-left: 0; }
.key-before { background: var(--before); border-radius: 50%; }
.key-after { background: var(--after); border-radius: 50%; }
.key-in-force { height: 3px; background: var(--before); }
.key-bound { height: 3px; background: var(--bound); }
table { width: 100%; border-collapse: collapse; font-size: 0.9rem; }
th, td { padding: 0.45rem 0.9rem 0.45rem 0; border-top: 1px solid var(--line); text-align: left;
  vertical-align: top; }
thead th { border-top: 0; color: var(--quiet); font-weight: 600; }
td:first-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
text { fill: var(--quiet); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.row-title, .panel-title { fill: var(--ink); font-size: 13px; font-weight: 600; }
.axis-title { font-size: 12px; }
.band-title { font-weight: 600; }
.on-phase { fill: #fff; font-weight: 600; }
.grid { stroke: var(--line); }
.axis { stroke: var(--before); }
path { fill: none; stroke-linejoin: round; }
.measured { stroke: var(--after); stroke-width: 2; }
.beam { stroke: var(--before); stroke-width: 1; opacity: 0.7; }
.worst-beam { stroke: var(--after); stroke-width: 2; }
.in-force { stroke: var(--before); stroke-width: 1; }
.bound-line { stroke: var(--bound); stroke-width: 1.6; }
.gain { stroke: var(--after); stroke-width: 1; opacity: 0.35; }
.before { fill: var(--before); }
.after { fill: var(--after); }
.rain { fill: var(--rain); }
.version-0 { fill: var(--even); }
.version-1 { fill: var(--odd); }
.bar { fill: var(--bar); }
.median { stroke: var(--bound); stroke-width: 1.6; }
.pass-bar { fill: var(--pass); }
.trigger-0 { stroke: var(--after); stroke-width: 1.6; }
.trigger-1 { stroke: var(--testing); stroke-width: 1.6; }
.trigger-2 { stroke: var(--bound); stroke-width: 1.6; }
.phase-training { fill: var(--training); } .phase-training-key { background: var(--training); }
.phase-publishing { fill: var(--publishing); }
.phase-publishing-key { background: var(--publishing); }
.phase-testing { fill: var(--testing); } .phase-testing-key { background: var(--testing); }
.phase-approval { fill: var(--approval); } .phase-approval-key { background: var(--approval); }
.phase-loading { fill: var(--loading); } .phase-loading-key { background: var(--loading); }
.phase-activation { fill: var(--activation); }
.phase-activation-key { background: var(--activation); }
@media print { body { padding: 0; } section { break-inside: avoid; } }
"""
