"""The only room that imports rest_framework."""
