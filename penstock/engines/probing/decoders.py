"""The codecs that are read, and the libav decoders that may be used for each. No other decoder is ever opened.

They are those that our containers hold. Not among them: text drawn as video (`ansi`, `bintext`), SVG and subtitles,
which are scripts rather than media, and decoders that need a device.
"""

_SAME_NAME_VIDEO = (
    "h264 hevc vp6 vp6a vp6f vp8 vp9 mpeg4 msmpeg4v1 msmpeg4v2 wmv1 wmv2 wmv3 vc1 mpeg1video mpeg2video mjpeg "
    "prores theora h263 dnxhd dvvideo cinepak ffv1 ffvhuff huffyuv qtrle svq1 svq3 flashsv flashsv2 rawvideo "
    "utvideo png zmbv "
    # cameras, editors and film
    "aic apv asv1 asv2 avrp cfhd cllc cljr dirac dpx dxtory dxv exr hap hq_hqa hqx jpeg2000 jpegls lagarith "
    "magicyuv media100 mjpegb notchlc pixlet prores_raw r10k r210 sgi sheervideo speedhq targa targa_y216 v210 "
    "v210x vvc y41p yuv4 ylc zerocodec "
    # screen recorders
    "aasc fic fmvc fraps g2m kmvc loco lscr mscc msa1 mss1 mss2 mszh mts2 mwsc rasc rscc scpr screenpresso srgc "
    "tdsc tscc2 vmnc wcmv zlib "
    # the web, discs and telephones of earlier years
    "8bps amv cavs clearvideo cyuv h261 h263i indeo2 indeo3 indeo4 indeo5 mimic msrle msvideo1 qpeg rpza rv10 rv20 "
    "rv30 rv40 smc snow sp5x truemotion1 truemotion2 vb vble vc1image vcr1 vp3 vp4 vp5 vp7 wmv3image wnv1 xan_wc4 "
    # games, animations and recorders
    "4xm anm bethsoftvid bfi binkvideo dfa dsicinvideo dxa escape124 escape130 flic gdv hnm4video interplayvideo ipu "
    "jv mdec mmvideo mobiclip mvc1 mvc2 nuv paf_video pdv rl2 sanm sgirle thp vmdvideo xan_wc3"
)
_SAME_NAME_AUDIO = (
    "aac ac3 eac3 flac alac vorbis ape wavpack wmav1 wmav2 wmapro wmalossless nellymoser speex tta adpcm_ima_wav "
    "adpcm_ima_qt adpcm_ms adpcm_swf adpcm_yamaha pcm_alaw pcm_mulaw pcm_s8 pcm_u8 pcm_s16le pcm_s16be pcm_s24le "
    "pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le pcm_f64be pcm_dvd pcm_bluray pcm_f16le pcm_f24le "
    "pcm_s16be_planar pcm_s16le_planar pcm_s24le_planar pcm_s32le_planar pcm_s64le pcm_s8_planar "
    # broadcast, film and discs
    "aac_latm dolby_e dvaudio mlp s302m truehd "
    # the web, games and telephones of earlier years
    "adpcm_ct adpcm_ima_dk3 adpcm_ima_dk4 adpcm_ima_ws adpcm_sbpro_2 adpcm_sbpro_3 adpcm_sbpro_4 atrac3 atrac3al "
    "cook dfpwm evrc g723_1 g729 gsm gsm_ms iac ilbc imc mace3 mace6 metasound qcelp qdm2 qdmc ralf sipr siren "
    "truespeech twinvq wmavoice xma1 xma2 "
    # games, telephones and recorders
    "8svx_exp 8svx_fib adpcm_4xm adpcm_adx adpcm_afc adpcm_aica adpcm_argo adpcm_dtk adpcm_ea adpcm_ea_maxis_xa "
    "adpcm_ea_r1 adpcm_ea_r2 adpcm_ea_r3 adpcm_ea_xas adpcm_ima_acorn adpcm_ima_alp adpcm_ima_amv adpcm_ima_apc "
    "adpcm_ima_apm adpcm_ima_ea_eacs adpcm_ima_ea_sead adpcm_ima_rad adpcm_ima_smjpeg adpcm_ima_ssi adpcm_ima_xbox "
    "adpcm_mtaf adpcm_psx adpcm_thp adpcm_thp_le adpcm_vima adpcm_xa atrac1 binkaudio_dct binkaudio_rdft derf_dpcm "
    "dsd_lsbf dsd_lsbf_planar dsd_msbf dsd_msbf_planar dsicinaudio dss_sp dst fastaudio gremlin_dpcm hca hcom "
    "interplay_dpcm interplayacm osq paf_audio pcm_lxf pcm_vidc qoa rka roq_dpcm sbc sdx2_dpcm shorten sol_dpcm tak "
    "vmdaudio"
)

VIDEO: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _SAME_NAME_VIDEO.split()},
    "vp9": ("vp9", "libvpx-vp9"),
    "vp8": ("vp8", "libvpx"),
    "av1": ("libdav1d", "av1"),
    "msmpeg4v3": ("msmpeg4",),
    "flv1": ("flv",),
    "tscc": ("camtasia",),
    "cscd": ("camstudio",),
    "ulti": ("ultimotion",),
    "vixl": ("xl",),
    "cmv": ("eacmv",),
    "mad": ("eamad",),
    "roq": ("roqvideo",),
    "smackvideo": ("smackvid",),
    "tgq": ("eatgq",),
    "tgv": ("eatgv",),
    "tqi": ("eatqi",),
    "ws_vqa": ("vqavideo",),
}

AUDIO: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in _SAME_NAME_AUDIO.split()},
    "adpcm_g722": ("g722",),
    "adpcm_g726": ("g726",),
    "mp3": ("mp3float", "mp3"),
    "mp1": ("mp1float", "mp1"),
    "mp2": ("mp2float", "mp2"),
    "mp3adu": ("mp3adufloat", "mp3adu"),
    "mp3on4": ("mp3on4float", "mp3on4"),
    "mp4als": ("als",),
    "opus": ("opus", "libopus"),
    "amr_nb": ("amrnb",),
    "amr_wb": ("amrwb",),
    "dts": ("dca",),
    "atrac3p": ("atrac3plus",),
    "atrac3pal": ("atrac3plusal",),
    "avc": ("on2avc",),
    "musepack7": ("mpc7",),
    "musepack8": ("mpc8",),
    "smackaudio": ("smackaud",),
    "westwood_snd1": ("ws_snd1",),
    "ra_144": ("real_144",),
    "ra_288": ("real_288",),
}


# The native decoders of VP8 and VP9 ignore the alpha channel of WebM.
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def whitelist() -> str:
    """All decoders, as a value of libav's option `codec_whitelist`."""
    return ",".join(sorted({name for table in (VIDEO, AUDIO) for names in table.values() for name in names}))
