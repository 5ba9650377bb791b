// The same for programs of tests.
#include "precompiled.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
