// From the options of dawk send to a message and its envelope. What is wrong with them, or with a
// file they name, ends the command in words (command.hpp).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dawk/spool/spool.hpp"

namespace dawk::cmd {

struct DraftOptions {
    std::string from;  // "Name <a@b>"; "<>" for the null path of a raw message
    std::vector<std::string> to, cc, bcc;
    std::string subject;
    std::optional<std::string> body, html;
    std::string body_file, html_file;  // "-": standard input
    std::vector<std::string> attachments;
    std::string raw_file;              // the whole message as it stands
    std::vector<std::string> headers;  // "Name: value"
    std::string notify, ret, envid;    // RFC 3461
};

struct PreparedMail {
    spool::EnvelopePtr envelope;
    spool::ContentPtr content;
    std::string message_id;  // "" for a raw message
};

// host: our name, for the identifier and for a sender without a domain.
PreparedMail prepare_mail(DraftOptions const& options, std::string const& host);

}  // namespace dawk::cmd
