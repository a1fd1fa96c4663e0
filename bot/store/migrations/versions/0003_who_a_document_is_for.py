"""Who a document is for and until when it holds, and whom a turn's draft may be shown to"""

from alembic import op
import sqlalchemy as sa


revision = '0003'
down_revision = '0002'


def upgrade() -> None:
    op.add_column('document_versions', sa.Column('audience', sa.String(length=10), nullable=False, server_default='public'))
    op.add_column('document_versions', sa.Column('review_by', sa.String(length=10), nullable=False, server_default=''))
    op.add_column('document_versions', sa.Column('valid_until', sa.String(length=10), nullable=False, server_default=''))
    op.add_column('turns', sa.Column('draft_audience', sa.String(length=10), nullable=False, server_default='public'))
