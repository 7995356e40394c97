"""Sites without a server: pages of models, lessons, the method and a training.

:func:`build` returns the files by path, :func:`write` puts them into a folder. Pages work from a
disk as from a host: links are relative, and nothing is fetched. No image of a dataset is in a site
but those of the digits, which scikit-learn distributes.
"""

from vae_core.site.building import Selected, Site, build
from vae_core.site.lessons import choose
from vae_core.site.writing import write

__all__ = ["Selected", "Site", "build", "choose", "write"]
