# Wheels are built in one stage (durable-rules needs a compiler) and installed in another that has none.
FROM python:3.12-slim AS wheels
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/run.txt .
RUN pip wheel --no-cache-dir --require-hashes --wheel-dir /wheels -r run.txt
COPY pyproject.toml README.md ./
COPY service service
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# What `docker compose` runs beside the service in development: DynamoDB, SQS, SNS and SES on this machine.
FROM python:3.12-slim AS aws-emulator
COPY requirements/aws-emulators.txt .
RUN pip install --no-cache-dir --require-hashes -r aws-emulators.txt
RUN useradd --create-home emulator
USER emulator
EXPOSE 4566
CMD ["ministack"]

FROM python:3.12-slim AS tocsin
RUN --mount=type=bind,from=wheels,source=/wheels,target=/wheels pip install --no-cache-dir --no-index --no-deps /wheels/*.whl
RUN useradd --create-home --uid 10001 tocsin && install -d -o tocsin /var/lib/tocsin
WORKDIR /srv/tocsin
COPY rules rules
COPY templates templates
ENV TOCSIN_HOME=/var/lib/tocsin TOCSIN_HOST=0.0.0.0 TOCSIN_PORT=8080 OMP_NUM_THREADS=1 PYTHONUNBUFFERED=1
USER tocsin
VOLUME /var/lib/tocsin
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["tocsin"]
CMD ["up"]
