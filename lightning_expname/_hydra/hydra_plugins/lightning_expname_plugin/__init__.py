"""What Hydra finds at its start: the config groups and the resolver of lightning_expname.

Installed as `hydra_plugins.lightning_expname_plugin`, see `package_dir` in setup.cfg. Every Hydra
application of the environment loads this module, so it imports nothing heavy.
"""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from lightning_expname.hydra_conf.resolver import register

register()


class ExpNameSearchPath(SearchPathPlugin):
    """Makes `defaults: [logger: expname, callbacks: expname]` known."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Behind the application's own path: a config of the same name there comes first."""
        search_path.append("lightning_expname", "pkg://lightning_expname.hydra_conf")
