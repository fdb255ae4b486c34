# The board, and with another command a worker:
#   docker build -t sts-eval .
#   docker run -p 7860:7860 -v $PWD/store:/store sts-eval
#   docker run -v $PWD/store:/store -v $PWD/runs:/runs -v sts-owner:/home/sts/.config/sts-eval \
#     sts-eval store worker --store /store --folder /runs
# User 1000 must be able to read the folder of the store, and for a worker to write to both folders. The volume sts-owner keeps
# the worker's secret, so that the next container owns what this one hands in.
# For a worker on GPUs leave out the index of torch for processors, with `docker build --build-arg
# TORCH_INDEX=https://pypi.org/simple`, and give it the GPUs, with `docker run --gpus all`.
FROM python:3.12-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /src
COPY . .
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" --constraint constraints.txt '.[board,s3]' && rm -rf /src/*
RUN useradd --create-home --uid 1000 sts && install -d -o sts -g sts /home/sts/.config /home/sts/.config/sts-eval
USER sts
WORKDIR /home/sts
ENV GRADIO_SERVER_NAME=0.0.0.0 HF_HOME=/home/sts/.cache/huggingface
EXPOSE 7860
# Python as the first process of a container ignores SIGTERM.
STOPSIGNAL SIGINT
ENTRYPOINT ["sts-eval"]
CMD ["board", "--store", "/store", "--port", "7860"]
