// Tells the service manager how far the server is (sd_notify's protocol: a datagram to
// $NOTIFY_SOCKET).
#pragma once

#include <string_view>

namespace dawk::cmd {

void notify_manager(std::string_view state);  // "READY=1"; nothing without a manager

}  // namespace dawk::cmd
