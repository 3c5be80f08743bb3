"""Targa images, of which many have an alpha channel that is not in use."""

from PIL import TgaImagePlugin

_WITH_ATTRIBUTE, _WITHOUT = "BGRA;15Z", "BGR;15"


class TargaImageFile(TgaImagePlugin.TgaImageFile):
    """As Pillow reads it, but opaque if no pixel is visible: many programs write 32 bits a pixel and leave alpha 0.

    The sixteenth bit of a pixel is ignored: programs disagree on whether it makes it transparent or opaque."""

    def _open(self) -> None:
        super()._open()
        for number, tile in enumerate(self.tile):
            if isinstance(tile.args, tuple) and tile.args[0] == _WITH_ATTRIBUTE:
                self._mode = "RGB"
                self.tile[number] = tile._replace(args=(_WITHOUT, *tile.args[1:]))
        if self.palette and self.palette.rawmode == _WITH_ATTRIBUTE:
            self.palette.rawmode, self.palette.mode = _WITHOUT, "RGB"

    def load_end(self) -> None:
        super().load_end()
        if self.mode == "RGBA" and self.getchannel("A").getextrema() == (0, 0):
            self.im.fillband(3, 255)
