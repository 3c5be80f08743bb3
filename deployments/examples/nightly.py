"""A film and a folder in S3, each night: `python nightly.py` serves it, `python nightly.py now` runs it once.

It needs `pip install 'penstock[prefect]'`, the Prefect of the service, and PENSTOCK_API_URL and PENSTOCK_API_KEY. The
service has `PENSTOCK_BATCH_ROOTS=s3://in,s3://out`, and the credentials of S3: the flow has none."""

import sys

from prefect import flow

from penstock import errors
from penstock.prefect import convert_folder, convert_media


@flow
def nightly() -> None:
    hero = convert_media("s3://in/hero.mov", format="mp4", width=1280)
    print(hero.save("out/"), hero.saved_bytes)

    poster = convert_media("s3://in/hero.mov", format="webp", width=320, destination="s3://out/hero/poster.webp")
    print(poster.output.width, poster.output.name)

    done = convert_folder("s3://in/photos/", "s3://out/webp/", format="webp", width=1600, on_upscale="clamp")
    print(done.converted, done.skipped, done.refused)

    try:
        convert_media("s3://elsewhere/hero.mov", format="mp4")
    except errors.UrlForbidden as refused:
        print(refused.code, refused.message)


if __name__ == "__main__":
    if sys.argv[1:] == ["now"]:
        nightly()
    else:
        nightly.serve(cron="0 2 * * *")
