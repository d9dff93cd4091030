"""A reader in a process of its own: `python -m tests.annotator.pulling fill|pull|die ...`, by the settings it finds."""

import json
import sys
import time

import django


def fill(n_cases, n_readers):
    """A queue over so many cases, in an empty database."""
    from django.core.management import call_command

    from annotator.models import User
    from tests.annotator.seat_worlds import queue_of
    from tests.annotator.worlds import make_world

    call_command("migrate", verbosity=0)
    world = make_world("shared", n_cases=n_cases)
    queue_of(world)
    for number in range(n_readers):
        reader = User.objects.create_user(f"puller{number}")
        world.project.memberships.create(user=reader, role="reader")
    return {}


def pull(name):
    """Take and submit until nothing is left."""
    from annotator.models import Project, User
    from tests.annotator.test_queue_at_once import pull_all

    reader = User.objects.get(username=name)
    return pull_all(Project.objects.get(memberships__user=reader), reader)[0]


def die(name):
    """Take a seat in a transaction that never ends."""
    from django.db import transaction
    from django.utils import timezone

    from annotator.models import Project, User
    from annotator.services.queue import take_next

    reader = User.objects.get(username=name)
    with transaction.atomic():
        seat = take_next(project=Project.objects.get(memberships__user=reader), reader=reader, now=timezone.now())
        sys.stdout.write(json.dumps({"taken": seat.pk}) + "\n")
        sys.stdout.flush()
        time.sleep(600)


def main(command, *arguments):
    """Run one command and print what it found."""
    django.setup()
    if command == "fill":
        return fill(*map(int, arguments))
    name = f"puller{arguments[0]}" if arguments[0].isdigit() else arguments[0]
    return {"pull": pull, "die": die}[command](name)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
