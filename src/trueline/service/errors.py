"""What can go wrong with a request, each its own type; `trueline.api.errors` renders them to HTTP."""


class TruelineError(Exception):
    """A request or a start that cannot be carried out; the message is for the person who asked."""


class StartError(TruelineError):
    """The stores cannot be opened."""


class JobNotFoundError(TruelineError):
    """No such job, or none the key may know of."""

    def __init__(self) -> None:
        super().__init__("Job not found")


class EventNotFoundError(TruelineError):
    """No such event in the job."""

    def __init__(self, event_id: str) -> None:
        super().__init__("Event not found")
        self.event_id = event_id


class ModelNotFoundError(TruelineError):
    """No such model of the job."""

    def __init__(self, details: str) -> None:
        super().__init__("Model not found")
        self.details = details


class DrawNotFoundError(TruelineError):
    """No such draw of the job."""

    def __init__(self) -> None:
        super().__init__("Draw not found")


class InvalidRequestError(TruelineError):
    """A part of the request is wrong; `location` is the way to it, such as ("query", "start_datetime")."""

    def __init__(self, location: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.location = location


class ConflictError(TruelineError):
    """It contradicts what is there already: a taken title, a model id used for another training."""


class NothingToLearnError(ConflictError):
    """A training without a subject to learn from."""

    def __init__(self, title: str) -> None:
        super().__init__(
            f"the job {title!r} has nothing to learn from: no event and no bucket of it has a consensus label"
        )


class JobStoppedError(ConflictError):
    """Events for a job that takes in none."""

    def __init__(self, title: str) -> None:
        super().__init__(f"the job {title!r} is stopped and takes in no events: start it first")


class PartMissingError(TruelineError):
    """A part that Trueline does not have is asked for."""


class NotStillError(TruelineError):
    """A moment without a write under way did not come."""

    def __init__(self) -> None:
        super().__init__(
            "no moment came without a write under way, since one takes long: nothing was backed up; try again later"
        )


class BackupError(TruelineError):
    """A backup that cannot be restored: not whole, not as it was written, or not for this Trueline or this folder."""


class TooLargeError(TruelineError):
    """The request has more bytes or lines than are taken at once."""


class TooMuchWaitingError(TruelineError):
    """More waits to be written into a job than is kept waiting; `seconds` is how long that will take."""

    def __init__(self, title: str, seconds: int) -> None:
        super().__init__(f"more events come for the job {title!r} than can be written: try again later")
        self.seconds = seconds


class KeyRefused(ValueError):  # noqa: N818 - named as the other refusals are
    """A key as asked for cannot be made."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """What is wrong: `name`, `scopes`, `jobs` or `expires_at`."""
