"""The ten tools, the resource and the prompt of docs/comparison.md, written with FastMCP."""

# region: shared
import asyncio
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastmcp import Context, FastMCP
from fastmcp.exceptions import ToolError
from fastmcp.utilities.types import Image
from pydantic import BaseModel, Field

mcp = FastMCP("tasks", version="1.0.0")


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Task(BaseModel):
    id: int
    title: str
    priority: Priority = Priority.NORMAL
    label: str | None = None
    hours: int = 1
    owner: str | None = None
    done: bool = False


tasks: dict[int, Task] = {}
changed = asyncio.Condition()


def add(**fields) -> Task:
    task = Task(id=max(tasks, default=0) + 1, **fields)
    tasks[task.id] = task
    return task


def find(id: int) -> Task:
    if id not in tasks:
        raise ToolError(f"there is no task {id}; the tasks are {list(tasks)}")
    return tasks[id]
# endregion


# region: convert_length
class Unit(StrEnum):
    METRE = "metre"
    FOOT = "foot"
    INCH = "inch"


METRES = {Unit.METRE: 1.0, Unit.FOOT: 0.3048, Unit.INCH: 0.0254}


@mcp.tool(annotations={"readOnlyHint": True})
def convert_length(
    value: Annotated[float, Field(description="The length in the unit `from`.")],
    from_: Annotated[Unit, Field(alias="from")],
    to: Unit,
) -> str:
    """Convert a length from one unit to another."""
    return f"{value * METRES[from_] / METRES[to]:.3f}"
# endregion


# region: create_task
@mcp.tool
def create_task(
    title: Annotated[str, Field(min_length=1, max_length=80, description="What is to be done.")],
    priority: Priority = Priority.NORMAL,
    label: Annotated[
        str | None, Field(pattern="^[a-z][a-z0-9-]*$", description="A word in lower case.")
    ] = None,
    hours: Annotated[int, Field(ge=1, le=40, description="How long it takes.")] = 1,
) -> Task:
    """Add a task to the list."""
    return add(title=title, priority=priority, label=label, hours=hours)
# endregion


# region: list_tasks
class TaskList(BaseModel):
    total: Annotated[int, Field(description="How many there are, with those that are left out.")]
    tasks: list[Task]


@mcp.tool(annotations={"readOnlyHint": True})
def list_tasks(
    priority: Annotated[Priority | None, Field(description="Only those of this priority.")] = None,
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 20,
) -> TaskList:
    """List the tasks, oldest first."""
    found = [task for task in tasks.values() if priority in (None, task.priority)]
    return TaskList(total=len(found), tasks=found[:limit])
# endregion


# region: complete_task
@mcp.tool(annotations={"idempotentHint": True})
async def complete_task(id: int) -> Task:
    """Mark a task as done."""
    task = find(id)
    async with changed:
        task.done = True
        changed.notify_all()
    return task
# endregion


# region: delete_task
@mcp.tool(annotations={"destructiveHint": True})
async def delete_task(id: int, ctx: Context) -> str:
    """Delete a task, if the person agrees."""
    task = find(id)
    answer = await ctx.elicit(f'Delete the task "{task.title}"?', bool)
    if answer.action != "accept" or not answer.data:
        return "nothing was deleted"
    tasks.pop(id, None)
    return f"deleted task {id}"
# endregion


# region: assign_task
@dataclass
class Assignment:
    owner: Annotated[str, Field(min_length=1, max_length=40, description="Who does it.")]


@mcp.tool
async def assign_task(id: int, ctx: Context) -> Task:
    """Ask the person who does a task."""
    task = find(id)
    answer = await ctx.elicit(f'Who does "{task.title}"?', Assignment)
    if answer.action == "accept":
        find(id).owner = answer.data.owner
    return task
# endregion


# region: import_tasks
@mcp.tool
async def import_tasks(
    titles: Annotated[list[str], Field(min_length=1, max_length=100)], ctx: Context
) -> str:
    """Add many tasks, one for each title."""
    for done, title in enumerate(titles, 1):
        add(title=title)
        await ctx.report_progress(done, len(titles), title)
    return f"imported {len(titles)} tasks"
# endregion


# region: task_chart
@mcp.tool(annotations={"readOnlyHint": True})
def task_chart() -> Image:
    """Draw open and finished tasks as bars."""
    done = sum(task.done for task in tasks.values())
    bars = "".join(
        f'<rect y="{y}" width="{count * 10}" height="20"/>'
        for y, count in ((0, len(tasks) - done), (30, done))
    )
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" height="50">{bars}</svg>'
    return Image(data=svg.encode(), format="svg+xml")
# endregion


# region: wait_for_task
@mcp.tool(annotations={"readOnlyHint": True}, timeout=2)
async def wait_for_task(id: int) -> str:
    """Wait until a task is done, for two seconds at most."""
    task = find(id)
    async with changed:
        await changed.wait_for(lambda: task.done)
    return f"task {id} is done"
# endregion


# region: hours_per_person
@mcp.tool(annotations={"readOnlyHint": True})
def hours_per_person(people: int) -> str:
    """Divide the open work among people."""
    # It has a bug on purpose: nobody thought of 0 people.
    return str(sum(task.hours for task in tasks.values() if not task.done) // people)
# endregion


# region: task (resource)
@mcp.resource("task://{id}", mime_type="application/json")
def task(id: int) -> str:
    """One task."""
    return find(id).model_dump_json()
# endregion


# region: plan_day (prompt)
@mcp.prompt
def plan_day(
    hours: Annotated[int, Field(ge=1, le=12, description="How many hours there are.")] = 8,
) -> str:
    """Plan a day with the open tasks."""
    titles = ", ".join(task.title for task in tasks.values() if not task.done)
    return f"Plan a day of {hours} hours with: {titles}"
# endregion


# region: shared
if __name__ == "__main__":
    mcp.run(show_banner=False)
# endregion
