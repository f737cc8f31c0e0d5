// A P-256 key and a certificate signed with itself, as cert.pem and key.pem (mode 0600) in a
// folder. Standards: RFC 5280 §4.1, §4.2.1.6 (names go into subjectAltName); RFC 9525 §6.3.
#pragma once

#include <string>
#include <vector>

namespace dawk::cmd {

struct SelfSigned {
    std::string folder;                  // made when it is not there
    std::vector<std::string> hostnames;  // names, "*.name" or addresses; the first is the subject
    int days = 365;
    bool force = false;  // replace files that are there
};
// Ends the command when it fails; then no old file has changed.
void make_self_signed(SelfSigned const& options);

}  // namespace dawk::cmd
