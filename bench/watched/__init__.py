"""The yardstick: a model that django-auditlog watches, in a project and database of its own."""
