"""The reading window: image, view, and the events that say what was shown."""

import os

# pygame greets on stdout, which belongs to a command's result
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
# else Windows scales the window, and its pixels are not the monitor's
os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
