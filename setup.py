"""Put models and lessons inside the package that reads them, which pyproject.toml cannot."""

from setuptools import find_packages, setup

DATA = {"vae_core.pretrained": "pretrained", "vae_core.lesson_texts": "lessons"}

setup(
    packages=[*find_packages(include=["app*", "browser*", "vae_core*"]), *DATA],
    package_dir=DATA,
    package_data={
        "app": ["icon.svg", "logo.svg", ".streamlit/config.toml"],
        "app.widgets": ["page.css", "present.css"],
        "browser": ["**/*"],
        "vae_core.lesson_texts": ["*.md"],
        "vae_core.pretrained": ["**/*"],
    },
    py_modules=["latent_explorer"],
)
