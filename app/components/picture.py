"""Panel of the image decoded at the current code."""

from app.components import mounting
from app.components.contract import Scene


def picture(key: str, *, scene: Scene, caption: bool = True, size: int = 336) -> None:
    """Show the decoded image of the code under the pointer, or of the pinned code.

    Parameters
    ----------
    caption
        Whether the code is written below.
    size
        Greatest width, in fourteenths of a rem; one of 300 or more grows with the screen.
    """
    mounting.show("picture", key, {**scene.data(), "caption": caption, "size": size})
