"""A browser for WebKitWebDriver that keeps its data in a folder: usage webkit-on-disk.py FOLDER.

MiniBrowser forgets everything under automation, so its IndexedDB is in memory. This is the least window that does not.
Needs Debian's python3-gi and gir1.2-webkit2-4.1.
"""

import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402


def main(folder):
    manager = WebKit2.WebsiteDataManager(
        base_data_directory=f"{folder}/data", base_cache_directory=f"{folder}/cache"
    )
    context = WebKit2.WebContext(website_data_manager=manager)
    context.set_automation_allowed(True)

    def create_view(_session):
        view = WebKit2.WebView(web_context=context, is_controlled_by_automation=True)
        window = Gtk.Window(default_width=1024, default_height=768)
        window.connect("destroy", Gtk.main_quit)
        view.connect("close", lambda _view: window.destroy())
        window.add(view)
        window.show_all()
        return view

    def start(_context, session):
        session.connect("create-web-view", create_view)
        info = WebKit2.ApplicationInfo()
        info.set_name("MiniBrowser")
        session.set_application_info(info)

    context.connect("automation-started", start)
    Gtk.main()


main(sys.argv[1])
