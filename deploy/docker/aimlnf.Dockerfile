# One image recipe for every function; EXTRAS chooses what it can do: serve, train or gateway.
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=serve
# Index settings of a site come in as a secret, so that they stay out of the image:
# --secret id=pip,src=/etc/pip.conf
WORKDIR /src
RUN python3 -m venv /opt/aimlnf
COPY constraints.txt pyproject.toml README.md LICENSE ./
# Dependencies first: they change less often than the code.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
print('\n'.join(p['dependencies'] + p['optional-dependencies']['${EXTRAS}']))" > requirements.txt \
 && /opt/aimlnf/bin/pip install --no-cache-dir -c constraints.txt -r requirements.txt hatchling
COPY aimlctl aimlctl
COPY gateway gateway
COPY gen gen
COPY inference_nf inference_nf
COPY ml_models ml_models
COPY mms_repository mms_repository
COPY nf_runtime nf_runtime
COPY nwdaf nwdaf
COPY oam oam
COPY radio_math radio_math
COPY ran_sim ran_sim
COPY models /opt/aimlnf/share/models
# A working tree may keep its files to its owner; the image's user reads them all.
RUN /opt/aimlnf/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && chmod -R a+rX /opt/aimlnf/share

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/aimlnf --create-home aimlnf
COPY --from=build /opt/aimlnf /opt/aimlnf
ENV PATH=/opt/aimlnf/bin:$PATH PYTHONUNBUFFERED=1
USER aimlnf
WORKDIR /var/lib/aimlnf
