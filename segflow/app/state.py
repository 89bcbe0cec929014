"""segflow state: what is deployed, object by object, and the leases that guard it."""

from segflow.app.wiring import World
from segflow.errors import NotDeployedError
from segflow.model.address import Address
from segflow.model.state import DeployedObject, Lease, LeaseName


def listing(world: World) -> tuple[DeployedObject, ...]:
    """Everything that is deployed, in order of address; nothing where there is no state yet."""
    if world.state.version() is None:
        return ()
    deployed = world.state.deployed()
    return tuple(deployed[address] for address in sorted(deployed))


def show(world: World, address: Address) -> DeployedObject:
    """One deployed object. Raises NotDeployedError."""
    found = {} if world.state.version() is None else world.state.deployed([address])
    if address not in found:
        raise NotDeployedError(
            f"{address} is not deployed", hint="`segflow state list` shows what is"
        )
    return found[address]


def unlock(world: World, name: LeaseName) -> Lease | None:
    """Take the lease of that name from its holder, who can't write from then on. Returns it, or
    None where nobody held one."""
    return None if world.state.version() is None else world.state.break_lease(name)


def interrupted(world: World) -> bool:
    """True where an apply was interrupted and waits to be finished by the next one."""
    return world.state.version() is not None and world.state.unfinished_apply() is not None
