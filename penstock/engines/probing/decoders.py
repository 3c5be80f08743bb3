"""The codecs that are read, and the libav decoders that may be used for each. No other decoder is ever opened."""

_SAME_NAME_VIDEO = (
    "h264 hevc vp6 vp6a vp6f vp8 vp9 mpeg4 msmpeg4v1 msmpeg4v2 wmv1 wmv2 wmv3 vc1 mpeg1video mpeg2video mjpeg "
    "prores theora h263 dnxhd dvvideo cinepak ffv1 ffvhuff huffyuv qtrle svq1 svq3 flashsv flashsv2 rawvideo "
    "utvideo png zmbv"
)
_SAME_NAME_AUDIO = (
    "aac ac3 eac3 flac alac vorbis ape wavpack wmav1 wmav2 wmapro wmalossless nellymoser speex tta "
    "adpcm_ima_wav adpcm_ima_qt adpcm_ms adpcm_swf adpcm_yamaha "
    "pcm_alaw pcm_mulaw pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be "
    "pcm_f32le pcm_f32be pcm_f64le pcm_f64be pcm_dvd pcm_bluray"
)

VIDEO: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _SAME_NAME_VIDEO.split()},
    "vp9": ("vp9", "libvpx-vp9"),
    "vp8": ("vp8", "libvpx"),
    "av1": ("libdav1d", "av1"),
    "msmpeg4v3": ("msmpeg4",),
    "flv1": ("flv",),
    "tscc": ("camtasia",),
}

AUDIO: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _SAME_NAME_AUDIO.split()},
    "adpcm_g722": ("g722",),
    "mp3": ("mp3float", "mp3"),
    "mp2": ("mp2float", "mp2"),
    "opus": ("opus", "libopus"),
    "amr_nb": ("amrnb",),
    "amr_wb": ("amrwb",),
    "dts": ("dca",),
}


# The native decoders of VP8 and VP9 ignore the alpha channel of WebM.
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def whitelist() -> str:
    """All decoders, as a value of libav's option `codec_whitelist`."""
    return ",".join(sorted({name for table in (VIDEO, AUDIO) for names in table.values() for name in names}))
