# The installed tree that a separate project finds with find_package(entente).
