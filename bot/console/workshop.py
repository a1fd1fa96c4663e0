"""The workshop that the desk builds releases in: this installation's registry and library."""

from __future__ import annotations

from bot.channels.current import parts
from bot.releases.publish import Workshop


def workshop() -> Workshop:
    return Workshop(parts().settings, parts().registry, parts().library, parts().clock().date())
