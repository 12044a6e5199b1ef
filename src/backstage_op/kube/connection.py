"""Where the API server is, and how we prove who we are.

Built on lightkube's reading of kubeconfig files and ServiceAccounts. Proxies
and certificate stores named by environment variables are never used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, final

import httpx2
import msgspec
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import SERVICE_ACCOUNT, KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from backstage_op import errors

from .credentials import TokenFileAuth, TrustStore

_EXEC_VERSIONS: Final = (
    "client.authentication.k8s.io/v1alpha1",
    "client.authentication.k8s.io/v1beta1",
)


@final
class Connection:
    """One API server, one user, one default namespace.

    Raises:
        errors.SettingsError: the credentials are of a kind that is not supported.
    """

    def __init__(self, config: SingleConfig, *, in_cluster: bool = False) -> None:
        self._config = config
        self._in_cluster = in_cluster
        self._user = config.user or User()
        _check_user(self._user)

    @classmethod
    def plain(cls, server: str, namespace: str = "default") -> Connection:
        """Return a connection without credentials, as to ``kubectl proxy``."""
        config = KubeConfig.from_server(server, namespace=namespace).get()
        assert config is not None  # noqa: S101 - from_server sets its only context
        return cls(config)

    @property
    def namespace(self) -> str:
        """The namespace of the context, or of the ServiceAccount."""
        return self._config.namespace

    @property
    def pod_namespace(self) -> str:
        """The namespace of the pod that this is; empty outside of a pod."""
        return self._config.namespace if self._in_cluster else ""

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return self._config.cluster.server

    def __repr__(self) -> str:
        return f"Connection({self.server}, namespace {self.namespace})"

    def auth(self) -> httpx2.Auth | None:
        """Return how requests are authenticated; None if TLS does it, or nothing."""
        if self._user.token_file is not None:
            return TokenFileAuth(Path(self._path(self._user.token_file)))
        return client_adapter.user_auth(self._user)

    def trust(self) -> TrustStore:
        """Return the TLS context, and what keeps it up to date.

        Raises:
            errors.SettingsError: a certificate or key cannot be read.
        """
        cluster = self._config.cluster
        try:
            context = client_adapter.verify_cluster(
                cluster, self._user, self._config.abs_file, trust_env=False
            )
        except (OSError, ValueError, ConfigError) as error:
            raise errors.SettingsError(
                f"certificates for {self.server}: {error}; correct the kubeconfig"
            ) from error
        file = cluster.certificate_auth
        return TrustStore(context, Path(self._path(file)) if file else None)

    def _path(self, name: str) -> str:
        return str(self._config.abs_file(name))


def load(kubeconfig: Path | None, context: str | None = None) -> Connection:
    """Read a kubeconfig, or without one the ServiceAccount of this pod.

    Raises:
        errors.SettingsError: in one line, what is wrong and what to do.
    """
    if kubeconfig is None:
        return Connection(_in_cluster(), in_cluster=True)
    try:
        config = KubeConfig.from_dict(_read(kubeconfig), fname=kubeconfig).get(context)
    except ConfigError as error:
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: {error}; name a context that is in the file"
        ) from error
    except KeyError as error:
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: no entry {error}; complete the file"
        ) from error
    except (msgspec.ValidationError, TypeError, AttributeError) as error:
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: {error}; is it a kubeconfig?"
        ) from error
    assert config is not None  # noqa: S101 - get() has no default to return
    return Connection(config)


def _read(kubeconfig: Path) -> dict[str, object]:
    try:
        text = kubeconfig.expanduser().read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: not found; pass one existing file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: {error}; pass a file that can be read"
        ) from error
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: not YAML, line {line}; correct the file"
        ) from error
    if not isinstance(content, dict):
        raise errors.SettingsError(
            f"kubeconfig {kubeconfig}: empty or not a mapping; is it a kubeconfig?"
        )
    return content


def _in_cluster() -> SingleConfig:
    try:
        config = KubeConfig.from_service_account(SERVICE_ACCOUNT).get()
    except (ConfigError, KeyError, OSError) as error:
        raise errors.SettingsError(
            "no kubeconfig given and not running in a pod; "
            "pass --kubeconfig or set KUBECONFIG"
        ) from error
    assert config is not None  # noqa: S101 - the only context is the current one
    return config


def _check_user(user: User) -> None:
    if user.exec is not None and user.exec.apiVersion not in _EXEC_VERSIONS:
        raise errors.SettingsError(
            f"kubeconfig: exec plugin {user.exec.command} of version "
            f"{user.exec.apiVersion} is not supported; use a token, a client "
            f"certificate, or {_EXEC_VERSIONS[-1]}"
        )
    if user.auth_provider is not None:
        raise errors.SettingsError(
            "kubeconfig: auth-provider is not supported; use a token, a client "
            "certificate, or an exec plugin"
        )
