"""Which embedder a team's documents and questions go through: what the settings say, and the team allows."""

from __future__ import annotations

from llma.embeddings.documents import EmbedderForTeam
from llma.embeddings.embedder import Embedder
from llma.embeddings.local import LocalEmbedder
from llma.settings import Settings
from llma.store.base import Store


def embedders(settings: Settings, store: Store, *, run_id: str) -> EmbedderForTeam:
    """The local bundle; with LLMA_EMBEDDER=openai the endpoint, for teams whose text may leave the machine.

    ``run_id``: whose budget the calls count for. The function that is returned raises BundleError, and SettingsError where
    the endpoint's key is missing.
    """
    local: list[LocalEmbedder] = []

    def of_team(team_id: int) -> Embedder:
        if settings.embedder == "openai" and settings.may_leave(team_id):
            from llma.embeddings.remote import RemoteEmbedder

            return RemoteEmbedder(settings, store, team_id=team_id, run_id=run_id)
        if not local:
            local.append(LocalEmbedder.from_bundle(settings.embedding_bundle, threads=settings.inference_threads))
        return local[0]

    return of_team
