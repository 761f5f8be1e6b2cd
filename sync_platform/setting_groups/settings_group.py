"""What all groups of settings have in common: each is read from the environment and from `.env`."""

from __future__ import annotations

from pydantic_settings import BaseSettings, SettingsConfigDict

DOTENV = ".env"


class SettingsGroup(BaseSettings):
    """A group of settings. A class of several groups takes this configuration from the last of them."""

    model_config = SettingsConfigDict(env_file=DOTENV, extra="ignore", env_ignore_empty=True)
