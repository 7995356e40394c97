"""Put the models inside the package that reads them, which pyproject.toml cannot."""

from setuptools import find_packages, setup

MODELS = {"vae_core.pretrained": "pretrained"}

setup(
    packages=[*find_packages(include=["app*", "browser*", "vae_core*"]), *MODELS],
    package_dir=MODELS,
    package_data={
        "app": ["icon.svg", "logo.svg", ".streamlit/config.toml"],
        "app.widgets": ["page.css"],
        "browser": ["**/*"],
        "vae_core.pretrained": ["**/*"],
    },
    py_modules=["latent_explorer"],
)
