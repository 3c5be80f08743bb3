"""A flow of yours that Prefect starts for every completed task of Penstock: `eval "$(penstock env)"`, then
`python after_conversion.py`, which serves it until it is stopped."""

from prefect import flow
from prefect.events import DeploymentEventTrigger

COMPLETED = DeploymentEventTrigger(
    name="after a conversion",
    expect={"penstock.task.completed"},
    match={"prefect.resource.id": "penstock.task.*"},
    parameters={"task": "{{ event.payload.task }}", "sha256": "{{ event.payload.output.sha256 }}"},
)


@flow(log_prints=True)
def after_conversion(task: str, sha256: str) -> None:
    print(f"{task} is converted: {sha256}")


if __name__ == "__main__":
    after_conversion.serve(name="after-conversion", triggers=[COMPLETED])
