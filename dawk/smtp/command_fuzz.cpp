// A command line of any octets: what is accepted is within its limits and can be written again.
#include <cstdint>

#include "dawk/base/ascii.hpp"
#include "dawk/base/check.hpp"
#include "dawk/smtp/command.hpp"
#include "dawk/smtp/xtext.hpp"

using namespace dawk;

namespace {

bool is_clean(std::string_view text) {
    for (char const c : text) {
        if (ascii::is_control(c)) return false;
    }
    return true;
}

void check_address(mail::Address const& address, bool utf8) {
    DAWK_CHECK(address.local.size() + address.domain.size() <= 320);
    DAWK_CHECK(is_clean(address.local) && is_clean(address.domain));
    DAWK_CHECK(utf8 || address.is_ascii());
    if (address.domain.empty()) return;
    auto const again = mail::parse_mailbox(address.text(), {.utf8 = utf8, .long_local = true});
    DAWK_CHECK(again && *again == address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view const line(reinterpret_cast<char const*>(data), size);
    auto const command = smtp::split_command(line);
    smtp::CommandGrammar const grammar{.auth = true};
    smtp::MailCommand mail;
    if (!smtp::parse_mail(command.argument, grammar, mail)) {
        check_address(mail.reverse_path, mail.smtputf8);
        DAWK_CHECK(is_clean(mail.envid) && mail.envid.size() <= 100);
        DAWK_CHECK(smtp::xtext_decode(smtp::xtext_encode(mail.envid)).value() == mail.envid);
    }
    for (bool const utf8 : {false, true}) {
        smtp::RcptCommand rcpt;
        if (smtp::parse_rcpt(command.argument, grammar, utf8, rcpt)) continue;
        check_address(rcpt.forward_path, utf8);
        DAWK_CHECK(is_clean(rcpt.orcpt) && rcpt.orcpt.size() <= 500);
    }
    smtp::BdatCommand bdat;
    if (!smtp::parse_bdat(command.argument, bdat)) DAWK_CHECK(!command.argument.empty());
    smtp::is_client_name(command.argument);
    return 0;
}
