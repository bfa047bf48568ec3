"""Programs that run by one request each."""

from __future__ import annotations

import ssl
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ._http import Api, request
from ._url import authorization, server_of
from .errors import InvalidOptionError, ProtocolError, ZerobootError
from .result import Result, result_of

_DEFAULT_LANGUAGE = "python"
#: The server's, for a run that names none, seconds.
_DEFAULT_TIMEOUT = 30
#: Executions of a batch that a server runs at a time.
_BATCH_WIDTH = 8


class Sandbox:
    """Runs each program in a virtual machine of its own. Nothing is kept from one run to the next: for that there is
    `Session`. May be used from several threads.

    >>> sandbox = Sandbox(os.environ["ZEROBOOT_API_KEY"])
    >>> print(sandbox.run("print(1 + 1)"))
    2
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        *,
        language: Optional[str] = None,
        template: Optional[str] = None,
        retries: int = 2,
        answer_timeout: float = 60.0,
        ssl_context: Optional[ssl.SSLContext] = None,
    ) -> None:
        """
        api_key: none where the server has no keys.
        base_url: `ZEROBOOT_BASE_URL`, else http://127.0.0.1:8080.
        language: `python` (the default), `node`, `javascript`, `shell` or `bash`, as far as the server has them.
        template: by its name, in place of `language`.
        retries: how often to ask again when the server answers 429 or 503, after the time it asks for.
        answer_timeout: seconds to wait for an answer, beyond the program's own running time.
        ssl_context: for https; `ssl.create_default_context()`.

        Raises InvalidOptionError.
        """
        if language is not None and template is not None:
            raise InvalidOptionError("give language or template, not both")
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise InvalidOptionError("retries must be a whole number")
        if not answer_timeout > 0:
            raise InvalidOptionError("answer_timeout must be positive")
        headers = {"User-Agent": "zeroboot-python", **authorization(api_key)}
        self._api = Api(server_of(base_url), headers, retries, ssl_context)
        self._answer_timeout = answer_timeout
        self._runtime = {"template": template} if template is not None else {"language": language or _DEFAULT_LANGUAGE}

    def run(
        self,
        code: str,
        language: Optional[str] = None,
        timeout: Optional[int] = None,
        *,
        template: Optional[str] = None,
        stdin: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        check: bool = False,
    ) -> Result:
        """Run a program. Returns for every one that ran, whatever its exit code.

        timeout: running time in whole seconds, 1 to 300; the server's default is 30.
        stdin: the whole of standard input.
        check: raise ExecutionFailed unless the program ended with 0.

        Raises RequestError if the server refused it, ConnectionError, ProtocolError.
        """
        body = self._body(code, language, timeout, template, stdin, env)
        result = result_of(_object(request(self._api, "POST", "/v1/exec", body, self._patience(timeout, 1))))
        if check:
            result.check()
        return result

    def run_batch(
        self,
        codes: Sequence[str],
        language: Optional[str] = None,
        timeout: Optional[int] = None,
        *,
        template: Optional[str] = None,
        stdin: Optional[str] = None,
        env: Optional[Mapping[str, str]] = None,
        check: bool = False,
    ) -> "List[Union[Result, ZerobootError]]":
        """Run many, several at a time; results in the order of `codes`. What could not be run has an error in its place.

        Raises as `run`, if the batch as a whole was refused; with `check` also what failed first in the list.
        """
        executions = [self._body(code, language, timeout, template, stdin, env) for code in codes]
        patience = self._patience(timeout, len(executions))
        answer = _object(request(self._api, "POST", "/v1/exec/batch", {"executions": executions}, patience))
        items = answer.get("results")
        if not isinstance(items, list) or len(items) != len(executions):
            raise ProtocolError("the server answered more or fewer than were asked")
        results = [_batch_result_of(_object(item)) for item in items]
        if check:
            for result in results:
                if isinstance(result, ZerobootError):
                    raise result
                result.check()
        return results

    def health(self) -> Dict[str, Any]:
        """As the server tells it. Raises RequestError while it starts or stops; ConnectionError."""
        return _object(request(self._api._replace(retries=0), "GET", "/v1/health", None, self._answer_timeout))

    def _patience(self, timeout: Optional[int], programs: int) -> float:
        """Seconds until an answer must have begun."""
        turns = -(-programs // _BATCH_WIDTH)
        return (_DEFAULT_TIMEOUT if timeout is None else timeout) * turns + self._answer_timeout

    def _body(
        self,
        code: str,
        language: Optional[str],
        timeout: Optional[int],
        template: Optional[str],
        stdin: Optional[str],
        env: Optional[Mapping[str, str]],
    ) -> "dict[str, Any]":
        if language is not None and template is not None:
            raise InvalidOptionError("give language or template, not both")
        if not isinstance(code, str):
            raise InvalidOptionError("code must be a string")
        if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int)):
            raise InvalidOptionError("timeout must be a whole number of seconds")
        body: Dict[str, Any] = {"code": code}
        if template is not None:
            body["template"] = template
        elif language is not None:
            body["language"] = language
        else:
            body.update(self._runtime)
        if timeout is not None:
            body["timeout_seconds"] = timeout
        if stdin is not None:
            body["stdin"] = stdin
        if env is not None:
            body["env"] = dict(env)
        return body


def _object(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise ProtocolError("the server's answer lacks what it should have")
    return value


def _batch_result_of(item: Dict[str, Any]) -> "Union[Result, ZerobootError]":
    code, error = item.get("code"), item.get("error")
    return ZerobootError(code, error) if isinstance(code, str) and isinstance(error, str) else result_of(item)
