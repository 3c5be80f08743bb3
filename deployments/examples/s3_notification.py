"""Tells Penstock of a file in a bucket, as MinIO does, for a server that sends no notifications:
`python s3_notification.py photo.png s3://media/in/photo.png`.

The bucket is that of AWS_ENDPOINT_URL and of the other variables of AWS, the service that of PENSTOCK_API_URL and
PENSTOCK_API_KEY. One of its rules (PENSTOCK_ARRIVAL_RULES) says what is converted."""

import os
import sys
from urllib.parse import quote_plus

import httpx
import s3fs

source, target = sys.argv[1:]
s3fs.S3FileSystem(endpoint_url=os.environ.get("AWS_ENDPOINT_URL")).put_file(source, target)
bucket, _, key = target.removeprefix("s3://").partition("/")
record = {"eventName": "s3:ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}}}
answer = httpx.post(
    f"{os.environ['PENSTOCK_API_URL']}/events/s3",
    json={"Records": [record]},
    headers={"Authorization": f"Bearer {os.environ['PENSTOCK_API_KEY']}"},
)
print(answer.raise_for_status().json()["data"]["objects"], "to be converted")
