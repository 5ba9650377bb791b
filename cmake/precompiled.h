// Compiled once per library instead of in each of its files (cmake/room.cmake). Only headers that do
// not change; every file still includes what it uses: builds without ENTENTE_PRECOMPILED check that.
#include <algorithm>
#include <array>
#include <atomic>
#include <boost/describe.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>
