"""The one exception for mistakes that a user can mend."""


class UserError(Exception):
    """Something in the user's input is wrong.

    The command line prints it as one line and exits with code 2; the harness task and the web form
    show the same text. It is raised near the cause, before anything is written.

    Args:
        problem: What is wrong, in a clause that names the offending value.
        remedy: What to do about it, in a clause that names the flag, file or command.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        """Keep both halves apart for views that show them apart."""
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        """Both halves, as one line."""
        return f"{self.problem}. {self.remedy}{'' if self.remedy.endswith('?') else '.'}"
