"""What a turn said: the numbers of its replies, so that each of several waiting callers gets its own"""

from alembic import op
import sqlalchemy as sa


revision = '0002'
down_revision = '0001'


def upgrade() -> None:
    op.add_column('turns', sa.Column('said', sa.JSON(), nullable=False, server_default='[]'))
