"""Make one environment in a process of its own: what the tests kill, count and race. Prints one JSON object a line."""

from __future__ import annotations

import json
import sys

from localrun.environments import materialize
from localrun.environments.settings import BuildSettings
from localrun.errors import LocalrunError
from localrun.plan import EnvironmentPlan, ImagePlan
from localrun.values import fields


def as_tuples(given: dict) -> dict:
    return {name: tuple(item) if isinstance(item, list) else item for name, item in given.items()}


def main() -> None:
    request = json.loads(sys.argv[1])
    plan = as_tuples(request["plan"])
    plan["image"] = ImagePlan(**as_tuples(plan["image"])) if plan.get("image") else None
    try:
        artifact = materialize(
            EnvironmentPlan(**plan),
            home=request["home"],
            settings=BuildSettings(**request["settings"]),
            report=lambda progress: print(json.dumps(fields(progress)), flush=True),
        )
        print(json.dumps({"reused": artifact.reused, "prefix": artifact.prefix, "image": artifact.image}), flush=True)
    except LocalrunError as error:
        print(json.dumps({"code": error.code, "message": error.message, "detail": error.detail}), flush=True)
        sys.exit(125)


main()
