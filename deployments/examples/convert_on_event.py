"""An automation that converts what an event of yours names: `eval "$(penstock env)"`, then `python convert_on_event.py`
once. Events are readable in Prefect, so their `url` must carry no secret; `file_id` of an upload is another way."""

from prefect import get_client
from prefect.automations import Automation
from prefect.events import EventTrigger
from prefect.events.actions import RunDeployment

NAME = "convert films that arrive"
REQUEST = {"url": "{{ event.payload.url }}", "kind": "image", "format": "webp", "width": 320}


def main() -> None:
    """Create the automation. To try it: `emit_event("newsroom.film.arrived", {"prefect.resource.id": "newsroom.1"},
    payload={"url": "https://…"})`."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("convert-request/convert-request")
    arrived = EventTrigger(expect={"newsroom.film.arrived"}, match={"prefect.resource.id": "newsroom.*"}, threshold=1)
    convert = RunDeployment(
        source="selected", deployment_id=deployment.id, parameters={"request": REQUEST}, job_variables=None
    )
    Automation(name=NAME, trigger=arrived, actions=[convert]).create()


if __name__ == "__main__":
    main()
