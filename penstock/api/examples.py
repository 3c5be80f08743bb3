"""Examples in the OpenAPI document; a test validates each with its model."""

from typing import Any

from penstock.api.envelope import VERSION
from penstock.domain.webhooks import MESSAGES

BASE = "http://127.0.0.1:8000"
TASK, FILE, UPLOAD = "tsk_7k2m9q4x8r1v5n3b6c0d2f4g", "file_3d8s1k6w9z4y7p2m5t0h8j1q", "file_9f4b2c7x1n6r3v8k5m0q2w7e"
BATCH, MANIFEST = "bat_5n1c8w3z7q2v6x9k4m0b3t8r", "file_6t1y5u9i3o7p2a8s4d0f6g2h"
WEBHOOK, DELIVERY = "whk_1f0c8a6e4b2d9f7a5c3e1b0d8f6a4c2e", "dlv_9e7c5a3b1d8f6e4c2a0b9d7f5e3c1a8b"
CREATED, UPDATED = "2026-01-31T15:00:00Z", "2026-01-31T15:00:09Z"

# Request bodies by their summary.
REQUESTS: dict[str, dict[str, Any]] = {
    "Resize a video": {"url": "https://example.com/film.mov", "kind": "video", "format": "mp4", "width": 1280},
    "Extract a part of the audio": {
        "url": "https://example.com/film.mp4",
        "kind": "audio",
        "format": "mp3",
        "start": 60,
        "end": 90,
    },
    "Take a still image": {"url": "https://example.com/film.mp4", "kind": "image", "format": "jpeg", "at": 12.5},
    "Convert an upload": {
        "file_id": UPLOAD,
        "kind": "image",
        "format": "webp",
        "width": 800,
        "height": 800,
        "fit": "cover",
    },
}

# Bodies of `POST /batches` by their summary.
WEBHOOK_REQUESTS: dict[str, dict[str, Any]] = {
    "Of every task and batch": {"url": "https://example.com/penstock"},
    "Of failures": {"url": "https://example.com/alerts", "types": ["task.failed", "batch.failed"]},
}
BATCH_REQUESTS: dict[str, dict[str, Any]] = {
    "Make thumbnails": {
        "name": "thumbnails",
        "defaults": {"format": "webp", "width": 320, "on_upscale": "clamp"},
        "items": [{"url": "https://example.com/1.jpg"}, {"url": "https://example.com/2.jpg"}, {"file_id": UPLOAD}],
    },
    "Convert the lines of a manifest at night": {
        "manifest": UPLOAD,
        "defaults": {"format": "mp4"},
        "not_after": "2026-02-01T06:00:00Z",
    },
    "Say what it costs": {"manifest": UPLOAD, "defaults": {"format": "mp4", "height": 720}, "plan": True},
}

_FILE: dict[str, Any] = {
    "id": FILE,
    "object": "source",
    "name": "film.mp4",
    "kind": "video",
    "format": "mp4",
    "type": "video/mp4",
    "codecs": "h264,aac",
    "width": 1280,
    "height": 720,
    "duration": 5.06,
    "fps": 25.0,
    "frames": 126,
    "bitrate": 585158,
    "filesize": 370112,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "url": f"{BASE}/files/{FILE}/content?expires=1769875200&signature=5d41…",
    "task": TASK,
    "status": "ready",
    "error": None,
    "metadata": None,
    "created": UPDATED,
    "updated": UPDATED,
}
_TASK: dict[str, Any] = {
    "id": TASK,
    "object": "task",
    "input": "https://example.com/film.mov",
    "kind": "video",
    "format": "mp4",
    "status": "completed",
    "created": CREATED,
    "updated": UPDATED,
    "width": 1280,
    "height": None,
    "fit": "contain",
    "quality": 0.8,
    "state": "completed",
    "progress": 100,
    "attempt": 1,
    "error": None,
    "output": _FILE,
    "plan": {
        "format": "mp4",
        "video": "encode h264 1280x720, because another size was requested",
        "audio": "copy aac, because it already meets the request",
    },
    "run": {
        "id": "0b7c5b8e-5c0e-4a57-9d1c-4f6f0c1f2a3b",
        "url": "http://127.0.0.1:4200/runs/flow-run/0b7c5b8e-5c0e-4a57-9d1c-4f6f0c1f2a3b",
    },
    "batch": None,
}
_PLAN: dict[str, Any] = {
    "object": "plan",
    "input": "https://example.com/film.mov",
    "kind": "video",
    "format": "mp4",
    "plan": _TASK["plan"],
    "steps": [
        {"stream": "video", "action": "encode", "codec": "h264", "because": "another size was requested"},
        {"stream": "audio", "action": "copy", "codec": "aac", "because": "it already meets the request"},
    ],
    "argv": ["ffmpeg", "-i", "input", "-vf", "scale=1280:720", "-c:v", "libx264", "-c:a", "copy", "output.mp4"],
    "width": 1280,
    "height": 720,
    "codecs": "h264,aac",
    "duration": 5.06,
    "estimate": {
        "bytes": {"expected": 380000.0, "low": 310000.0, "high": 450000.0},
        "seconds": {"expected": 1.9, "low": 1.4, "high": 2.6},
        "tasks": 42,
    },
    "source": {
        "kind": "video",
        "format": "mov",
        "codecs": "h264,aac",
        "width": 1920,
        "height": 1080,
        "duration": 5.06,
        "filesize": 2483200,
        "bytes_read": 262144,
    },
}
_MANIFEST: dict[str, Any] = _FILE | {
    "id": MANIFEST,
    "name": "manifest.jsonl",
    "kind": "manifest",
    "format": "jsonl",
    "type": "application/jsonl",
    "filesize": 1024,
    "url": f"{BASE}/files/{MANIFEST}/content?expires=1769875200&signature=9a0c…",
    **dict.fromkeys(("codecs", "width", "height", "duration", "fps", "frames", "bitrate", "task")),
}
_BATCH: dict[str, Any] = {
    "id": BATCH,
    "object": "batch",
    "name": "thumbnails",
    "status": "completed",
    "counts": {
        "total": 3,
        "planned": 0,
        "queued": 0,
        "processing": 0,
        "completed": 2,
        "skipped": 0,
        "failed": 1,
        "cancelled": 0,
    },
    "bytes_in": 5242880,
    "bytes_out": 40960,
    "seconds": 2.4,
    "eta": None,
    "manifest": _MANIFEST,
    "run": _TASK["run"],
    "created": CREATED,
    "updated": UPDATED,
    "error": None,
    "plan": None,
}
_ITEM: dict[str, Any] = {
    "number": 1,
    "input": "https://example.com/1.jpg",
    "output": FILE,
    "status": "completed",
    "reason": "image: render webp 320x240, because another format was requested",
    "error": None,
    "task": TASK,
    "bytes_in": 2621440,
    "bytes_out": 20480,
    "saved": 2600960,
    "codec": None,
    "width": 320,
    "height": 240,
    "duration": None,
    "seconds": 0.03,
    "quality": None,
}
_WEBHOOK: dict[str, Any] = {
    "id": WEBHOOK,
    "object": "webhook",
    "url": "https://example.com/penstock",
    "types": None,
    "disabled": None,
    "created": CREATED,
}
_DELIVERY: dict[str, Any] = {
    "id": DELIVERY,
    "object": "delivery",
    "type": "task.completed",
    "url": "https://example.com/penstock",
    "status": "delivered",
    "next_try": None,
    "log": [
        {
            "at": "2026-01-31T15:00:09.211+00:00",
            "code": "delivered",
            "message": MESSAGES["delivered"],
            "status": 204,
            "seconds": 0.041,
        }
    ],
    "created": UPDATED,
}
_HEALTH = {
    "object": "health",
    "status": "ok",
    "dependencies": {"database": "ok", "storage": "ok", "prefect": "ok", "workers": "ok"},
    "jail": {"mode": "auto", "missing": [], "refused": 30, "allowed": []},
}
_SIGNATURE: dict[str, Any] = {
    "object": "signature", "domain": BASE, "method": "put", "file_id": UPLOAD, "filename": "film.mov",
    "max_bytes": 50_000_000, "expiry": 1769875200, "signature": "8c1f…",
    "url": f"{BASE}/files/{UPLOAD}/content?project=prj_…&name=film.mov&max_bytes=…&expires=…&signature=8c1f…",
}  # fmt: skip
# The data of a response by the name of its model.
DATA: dict[str, dict[str, Any]] = {
    "TaskView": _TASK,
    "FileView": _FILE,
    "PlanView": _PLAN,
    "BatchView": _BATCH,
    "BatchItemView": _ITEM,
    "WebhookView": _WEBHOOK,
    "DeliveryView": _DELIVERY,
    "ArrivalView": {"object": "arrival", "objects": 1},
    "SignatureView": _SIGNATURE,
    "HealthView": _HEALTH,
}
_VIOLATION = {
    "field": "width",
    "code": "upscale_not_allowed",
    "message": (
        "The input is 640x360, and width 1280 would upscale it; request a smaller size, or set on_upscale to clamp."
    ),
}
_VIOLATION_ERROR: dict[str, Any] = _VIOLATION | {"step": "validate", "retryable": False, "violations": [_VIOLATION]}
_KEY_ERROR: dict[str, Any] = {
    "field": None,
    "code": "token_invalid",
    "message": "This API key is unknown, expired or revoked.",
    "step": None,
    "retryable": False,
}


def object_example(method: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
    """A response with one object."""
    parent = path.rpartition("/")[0] or None
    links = {"self": BASE + path, "parent": parent and BASE + parent}
    return {"meta": _meta(method, path, 200, "object"), "data": data, "links": links}


def list_example(path: str, data: dict[str, Any]) -> dict[str, Any]:
    """A response with a list of one object."""
    page = f"{BASE}{path}?page=1"
    meta = _meta("GET", path, 200, "list") | {"total": 1, "page": 1, "pages": 1, "limit": 12}
    return {
        "meta": meta,
        "data": [data],
        "links": {"self": page, "first": page, "prev": None, "next": None, "last": page},
    }


def error_example(method: str, path: str) -> dict[str, Any]:
    """An error response: a violation of a conversion request, or an unknown API key."""
    links = {"self": BASE + path, "parent": None}
    if path in ("/tasks", "/sources", "/plans") and method == "POST":
        return {"meta": _meta(method, path, 422, "error"), "data": None, "error": _VIOLATION_ERROR, "links": links}
    meta = _meta(method, path, 401, "error") | {"org_id": None, "project_id": None}
    return {"meta": meta, "data": None, "error": _KEY_ERROR, "links": links}


def _meta(method: str, path: str, status: int, kind: str) -> dict[str, Any]:
    return {
        "id": "req_4n8v2k6s1x9c3z7m5q0w4e8r",
        "org_id": "org_1a5d9g3j7l2z6x0c4v8b1n5m",
        "project_id": "prj_6q0w4e8r2t6y0u4i8o2p6a0s",
        "method": method,
        "host": BASE,
        "path": path,
        "version": VERSION,
        "status": status,
        "type": kind,
    }
