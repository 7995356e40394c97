# docker build -t latent-explorer . && docker run --rm -p 8501:8501 latent-explorer
# Builds an environment in one stage and copies it into an image without build tools.

FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PATH=/opt/latent-explorer/bin:$PATH
RUN python -m venv /opt/latent-explorer
WORKDIR /source
COPY requirements.txt .
# PyTorch's own index has builds for the processor alone; elsewhere they bring gigabytes of CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' requirements.txt)"
RUN pip install -r requirements.txt
COPY . .
RUN pip install --no-deps .

FROM python:3.11-slim
RUN useradd --create-home --uid 1000 explorer && install -d -o explorer /data /runs
COPY --from=build /opt/latent-explorer /opt/latent-explorer
ENV PATH=/opt/latent-explorer/bin:$PATH VAE_DATA_DIR=/data VAE_RUNS_DIR=/runs
USER explorer
VOLUME ["/data", "/runs"]
EXPOSE 8501
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["latent-explorer", "--host", "0.0.0.0"]
