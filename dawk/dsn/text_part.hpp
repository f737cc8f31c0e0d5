// The part of a report that people read.
#pragma once

#include <string>

#include "dawk/dsn/compose.hpp"

namespace dawk::dsn {

std::string subject_of(Request const& request);
// UTF-8, CRLF lines of at most 78 columns where words allow.
std::string text_of(Settings const& settings, Request const& request);
// What a remote server said, or our own reason, on one line, printable, bounded: "550 5.1.1 No such
// user".
std::string said(envelope::Outcome const& outcome, std::size_t size_max);
// Where the sender wrote to: the address as given, before any alias of ours.
mail::Address const& shown_address(envelope::Recipient const& recipient) noexcept;

}  // namespace dawk::dsn
