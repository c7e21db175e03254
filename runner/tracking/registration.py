"""A run's model as a version in MLflow's registry of models."""

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from runner.tracking.events import TOKEN
from runner.tracking.location import Location
from runner.tracking.saved_model import Registration
from runner.tracking.store import asked_once


def register(
    client: MlflowClient, location: Location, model_id: str, registration: Registration, token: str
) -> None:
    """Make a logged model a version of a registered one, which is made first if it isn't there.

    What an earlier try with the same token has done is not done again. Raises what MLflow raises.
    """
    version = find(client, location, registration.name, token)
    if version is None:
        ensure_name(client, registration.name)
        source = client.get_logged_model(model_id).artifact_location  # MLflow seeks models:/ elsewhere
        with asked_once():
            version = client.create_model_version(
                registration.name,
                source=source,
                run_id=location.run_id,
                tags={**registration.tags, TOKEN: token},
                description=registration.description,
                await_creation_for=0,  # else it prints
                model_id=model_id,
            )
    client.set_registered_model_alias(registration.name, registration.alias, version.version)


def find(client: MlflowClient, location: Location, name: str, token: str) -> ModelVersion | None:
    """The version of ``name`` that was made with a token, if the store took it."""
    versions = client.search_model_versions(f"run_id = '{location.run_id}'")
    made = [each for each in versions if each.name == name and each.tags.get(TOKEN) == token]
    return made[0] if made else None


def ensure_name(client: MlflowClient, name: str) -> None:
    """Make a registered model, unless it is there."""
    try:
        with asked_once():
            client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
