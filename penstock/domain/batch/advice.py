"""What a person can do about the failures of a batch, by the code of the error."""

ADVICE: dict[str, str] = {
    "input_unreadable": "The file is damaged or no media; open it with its own program.",
    "input_truncated": "The end of the file is missing; copy it again.",
    "input_changed": "The file changed while it was read; run the batch again.",
    "input_unreachable": "The file is gone, or the service may not read it.",
    "input_timeout": "The origin is too slow; run the batch again.",
    "input_limits_exceeded": "The file is larger than the limits of the service allow.",
    "input_too_large": "The file has more bytes than the service allows.",
    "upscale_not_allowed": "The file is smaller than the wanted size; use on_upscale clamp, or a smaller size.",
    "kind_incompatible": "This kind of file cannot become the wanted kind; choose files with a glob.",
    "format_incompatible": "This pair of formats is refused; see `penstock formats`.",
    "no_audio_stream": "The video has no sound.",
    "no_video_stream": "The file has no picture.",
    "field_invalid": "The line or its output name is wrong; the message of the line says how.",
    "field_required": "The line lacks something; the message of the line says what.",
    "field_unknown": "The line has a field that no request has; the message of the line names it.",
    "input_ambiguous": "The line names two inputs; keep one of them.",
    "body_invalid": "The line is no JSON object.",
    "format_unsupported": "This is no output format; see `penstock formats`.",
    "file_not_found": "There is no file of this id in the project.",
    "url_forbidden": "The service may not read or write this address.",
    "encoder_failed": "The encoder failed on this file; the log of the run has its words.",
    "encoder_timeout": "The conversion took longer than the limit.",
    "resource_limit": "The conversion needs more memory or time than is allowed.",
    "output_invalid": "The output was not as planned, and was not published.",
    "storage_unavailable": "The destination did not take the output; check it, and run the batch again.",
    "disk_full": "The disk is full; make room, and run the batch again.",
    "worker_lost": "The workers were lost repeatedly; read their logs.",
    "cancelled": "It was cancelled; run the batch again to go on.",
}
OTHERWISE = "Run the batch again; if it fails again, read the log of the run."


def advice_for(code: str) -> str:
    return ADVICE.get(code, OTHERWISE)
