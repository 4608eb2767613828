"""Registers each verb's function with the command."""

from rasa_emotion.cli import app
from rasa_emotion.cli.doctor import doctor

app.command()(doctor)

# After the doctor, which must be there also when a package that these load is broken.
from rasa_emotion.cli.access import access  # noqa: E402
from rasa_emotion.cli.analyze import analyze  # noqa: E402
from rasa_emotion.cli.console import console  # noqa: E402
from rasa_emotion.cli.corpora import corpora  # noqa: E402
from rasa_emotion.cli.desk import desk  # noqa: E402
from rasa_emotion.cli.evaluate import evaluate  # noqa: E402
from rasa_emotion.cli.feedback import feedback  # noqa: E402
from rasa_emotion.cli.forget import forget  # noqa: E402
from rasa_emotion.cli.handoff import handoff  # noqa: E402
from rasa_emotion.cli.init import init  # noqa: E402
from rasa_emotion.cli.lint import lint  # noqa: E402
from rasa_emotion.cli.score import score  # noqa: E402
from rasa_emotion.cli.serve import serve  # noqa: E402
from rasa_emotion.cli.simulate import simulate  # noqa: E402
from rasa_emotion.cli.train import train  # noqa: E402

app.command()(analyze)
app.command()(desk)
app.command()(evaluate)
app.command()(forget)
app.command()(init)
app.command()(lint)
app.command()(score)
app.command()(serve)
app.command()(simulate)
app.add_typer(access, name="access")
app.add_typer(console, name="console")
app.add_typer(corpora, name="corpora")
app.add_typer(feedback, name="feedback")
app.add_typer(handoff, name="handoff")
app.add_typer(train, name="train")
