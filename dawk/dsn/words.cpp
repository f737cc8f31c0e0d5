#include "dawk/dsn/words.hpp"

#include <algorithm>
#include <array>

namespace dawk::dsn {
namespace {

struct Entry {
    std::string_view code;  // without the class: "1.1"; "1." stands for all of its subject
    Words words;
};

constexpr std::string_view check_address =
    "Check the address for mistakes, and ask the recipient for the right one.";
constexpr std::string_view other_way = "Reach the recipient by another way and tell them about it.";
constexpr std::string_view smaller =
    "Send less at once, or put large files where the recipient can fetch them.";
constexpr std::string_view ask_admin =
    "Show this message to the administrator of your mail system.";

constexpr std::array<Entry, 44> entries{{
    {"1.0", {"There is something wrong with the address.", check_address}},
    {"1.1", {"This address does not exist at the recipient's mail system.", check_address}},
    {"1.2",
     {"The domain of the address (the part after the @) does not exist or takes no mail.",
      check_address}},
    {"1.3", {"The address is not written as an address must be.", check_address}},
    {"1.4", {"The address may mean more than one mailbox.", check_address}},
    {"1.6",
     {"The recipient has moved to another address.", "Ask the recipient for the new address."}},
    {"1.7",
     {"The recipient's system did not accept your address as it is written.",
      "Check the sender address that your mail program uses."}},
    {"1.8", {"The recipient's system did not accept the domain of your address.", ask_admin}},
    {"1.10", {"The domain of the address says that it takes no mail at all.", check_address}},
    {"1.", {"There is something wrong with an address.", check_address}},
    {"2.1", {"The mailbox exists, but takes no mail now.", other_way}},
    {"2.2",
     {"The recipient's mailbox is full.",
      "Send the message again later, or tell the recipient in another way."}},
    {"2.3", {"The message is larger than the recipient's mailbox may receive.", smaller}},
    {"2.", {"The recipient's mailbox could not take the message.", other_way}},
    {"3.1",
     {"The recipient's mail system has no room for more mail.", "Send the message again later."}},
    {"3.2", {"The recipient's mail system takes no mail now.", "Send the message again later."}},
    {"3.4", {"The message is larger than the recipient's mail system accepts.", smaller}},
    {"3.", {"The recipient's mail system has a problem.", "Send the message again later."}},
    {"4.1",
     {"The recipient's mail system did not answer.",
      "Check the part of the address after the @; if it is right, send the message again later."}},
    {"4.2",
     {"The connection to the recipient's mail system broke again and again.",
      "Send the message again later."}},
    {"4.3",
     {"The way to the recipient's mail system could not be found out (a fault in the name "
      "service).",
      "Check the part of the address after the @; if it is right, send the message again later."}},
    {"4.4", {"No mail system is known for the domain of the address.", check_address}},
    {"4.6", {"The message went round in a circle between mail systems.", ask_admin}},
    {"4.7",
     {"The message could not be delivered in the time allowed for it.",
      "Send the message again later, or reach the recipient by another way."}},
    {"4.",
     {"The message could not be brought to the recipient's mail system.",
      "Send the message again later."}},
    {"5.3",
     {"The message has more recipients than the other mail system accepts at once.",
      "Send the message to fewer people at once."}},
    {"5.", {"The two mail systems did not understand each other.", ask_admin}},
    {"6.3",
     {"The recipient's mail system cannot take the message in its form, and it could not be "
      "converted.",
      "Send the message as plain text without special characters."}},
    {"6.7",
     {"The recipient's mail system cannot handle addresses with letters beyond ASCII.",
      "Use another address of the recipient, or of yours, that has only ASCII letters."}},
    {"6.9",
     {"The recipient's mail system cannot handle a header with letters beyond ASCII.",
      "Send the message with a subject and names in ASCII letters."}},
    {"6.",
     {"The recipient's mail system could not handle the content of the message.",
      "Send the message again in a simpler form, as plain text for example."}},
    {"7.10",
     {"The message may travel only encrypted, and the recipient's mail system could not do that.",
      other_way}},
    {"7.30",
     {"The message may travel only encrypted, and the recipient's mail system does not promise "
      "that.",
      other_way}},
    {"7.17",
     {"The mailbox has another owner than you expect.",
      "Ask the recipient for the right address."}},
    {"7.18",
     {"The domain has another owner than you expect.", "Ask the recipient for the right address."}},
    {"7.20",
     {"The recipient's mail system did not find a valid signature (DKIM) on the message.",
      ask_admin}},
    {"7.23",
     {"The recipient's mail system found that our server may not send for your domain (SPF).",
      ask_admin}},
    {"7.25", {"The recipient's mail system does not accept the name of our server.", ask_admin}},
    {"7.26",
     {"The recipient's mail system could not verify that the message is yours (SPF, DKIM or "
      "DMARC).",
      ask_admin}},
    {"7.27",
     {"The domain of your address says that it takes no mail, so the recipient's system takes none "
      "from it.",
      ask_admin}},
    {"7.5", {"The connection to the recipient's mail system could not be made safe.", ask_admin}},
    {"7.",
     {"The recipient's mail system refused the message by its rules.",
      "If it was refused wrongly, reach the recipient by another way; the words of the other "
      "system may tell more."}},
    {"0.",
     {"The recipient's mail system refused the message without a clear reason.",
      "The words of the other system may tell more."}},
    {"", {"The message could not be delivered.", "The words of the other system may tell more."}},
}};

bool matches(Entry const& entry, std::string_view code) noexcept {
    bool const prefix = entry.code.empty() || entry.code.ends_with('.');
    return prefix ? code.starts_with(entry.code) : code == entry.code;
}

}  // namespace

Words words_for(std::string_view status, Kind kind) noexcept {
    switch (kind) {
        case Kind::delivered:
            return {"The message was delivered to the mailbox.", ""};
        case Kind::relayed:
            return {
                "The message was passed on to a mail system that sends no reports of this kind; "
                "you will "
                "not hear whether it arrived.",
                ""};
        case Kind::expanded:
            return {"The message was passed on to several other addresses.", ""};
        case Kind::failed:
        case Kind::delayed:
            break;
    }
    auto const dot = status.find('.');
    auto const code = dot == std::string_view::npos ? std::string_view{} : status.substr(dot + 1);
    auto const found =
        std::ranges::find_if(entries, [&](Entry const& e) { return matches(e, code); });
    // A delay needs no advice: there is nothing to do but wait.
    return {found->words.what, kind == Kind::delayed ? std::string_view{} : found->words.advice};
}

}  // namespace dawk::dsn
