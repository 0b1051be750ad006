"""Where the system keeps a user's data, by platformdirs."""

from __future__ import annotations


def user_data_folder(application: str) -> str:
    """Give the absolute path of the folder for `application`'s data; it need not exist."""
    import platformdirs

    return platformdirs.user_data_dir(application, appauthor=False)
