# mwaa-gate as a container image; docs/containers.md says how to use it.

# A tag and no digest: the tag gets Debian's and Python's security fixes, a digest would keep their holes. Whoever
# wants the same bytes each time names a digest: --build-arg BASE=docker.io/library/python@sha256:...
ARG BASE=docker.io/library/python:3.13-slim-bookworm
# The package's own, for the label, which cannot ask for it. The build stops when it is another one.
ARG VERSION=0.1.0

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What builds the package stays in /opt/build; /opt/mwaa-gate is all that the next stage takes, and holds no pip.
RUN python -m venv --without-pip /opt/build && python -m venv --without-pip /opt/mwaa-gate
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m pip --python /opt/build/bin/python install --quiet --require-hashes --requirement requirements/build.txt
RUN python -m pip --python /opt/mwaa-gate/bin/python install --quiet --no-compile --only-binary :all: \
      --require-hashes --requirement requirements/runtime.txt
COPY LICENSE README.md pyproject.toml ./
COPY validator validator
# Bytecode that is never compared with its source starts as quickly for a user who could not write a new one.
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /src/dist \
    && python -m pip --python /opt/mwaa-gate/bin/python install --quiet --no-compile --no-deps --no-index dist/*.whl \
    && /opt/mwaa-gate/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/mwaa-gate/lib
ARG VERSION
RUN test "$(/opt/mwaa-gate/bin/mwaa-gate --version)" = "mwaa-gate ${VERSION}" \
    || { echo "VERSION=${VERSION} is not the package's: $(/opt/mwaa-gate/bin/mwaa-gate --version)" >&2; exit 1; }

FROM ${BASE}
ARG VERSION
LABEL org.opencontainers.image.title="mwaa-gate" \
      org.opencontainers.image.description="A post-deployment validation gate for Apache Airflow on Amazon MWAA" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mwaa-gate /opt/mwaa-gate
ENV PATH=/opt/mwaa-gate/bin:${PATH} PYTHONDONTWRITEBYTECODE=1
WORKDIR /workspace
# By number, so that a cluster that refuses root can see that it is none. Any other number works as well.
USER 10001:10001
ENTRYPOINT ["mwaa-gate"]
CMD ["--help"]
