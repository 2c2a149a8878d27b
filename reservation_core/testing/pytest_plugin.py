"""Empty: kept until installed metadata names ``_reservation_core_plugins``."""
