// Intake: one message on its way in, from its first octet to the commit. It scans the header
// section, edits that of a submission, takes out what claims to be ours, streams the content to the
// spool and to its examination, and makes the envelope durable.
//
//     Intake intake(ports, context, id, announced_size);
//     Verdict v = co_await intake.write(octets);          // as they arrive; memory stays bounded
//     Verdict v = co_await intake.finish(std::move(envelope));
//
// A verdict without code is good. Nothing is left behind by an intake that dies unfinished.
// Standards: RFC 5321 §4.4, §6.3; RFC 5322 §3.6; RFC 6409 §8; RFC 7103 §7; RFC 8601
// §5.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "dawk/mail/header.hpp"
#include "dawk/mta/examination.hpp"
#include "dawk/mta/receiver_ports.hpp"
#include "dawk/mta/settings.hpp"
#include "dawk/mta/signing.hpp"

namespace dawk::mta {

struct IntakeOptions {
    bool submission = false;  // complete and clean the header (RFC 6409 §8)
    Durability durability = Durability::disk;
    smtp::Limits limits;
    std::string hostname;     // of message ids we make
    mail::Address from;       // of a submission that has no From
    std::string authserv_id;  // whose Authentication-Results must be ours (RFC 8601 §5)
    std::shared_ptr<Signing const> signing;  // null: nothing is signed
    SigningRight right;                      // of who hands it in
    SettingsPtr settings;                    // with router: for a report, should there be one
    std::shared_ptr<routing::Router const> router;
};

class Intake {
  public:
    // examination: null where nobody asks who sent the message.
    Intake(ReceiverPorts& ports, IntakeOptions options, MessageId id, std::uint64_t announced_size,
           std::unique_ptr<Examination> examination = nullptr);

    Task<Verdict> write(std::string_view octets);
    // envelope: complete but for what the content tells. After a good verdict the message is ours.
    // expanded: aliases with several targets, whose expansion the sender wants to hear of.
    Task<Verdict> finish(std::unique_ptr<envelope::Envelope> envelope,
                         std::vector<envelope::Recipient> expanded = {});
    MessageId id() const noexcept { return id_; }

  private:
    Task<Verdict> end_header(std::string_view received);
    Verdict judge_header();
    bool is_unwanted(mail::HeaderField const& field) const;
    bool must_edit() const;
    std::string edited_header() const;
    void begin_signing(mail::HeaderSection const& header, std::string_view body);
    Task<Result<void>> add_signatures(envelope::Envelope& envelope);
    void fill(envelope::Envelope& envelope) const;
    Task<Verdict> put(std::string_view octets);
    Task<Verdict> add_report(spool::Batch& batch, std::vector<envelope::Recipient> expanded);
    Task<Verdict> commit(spool::Batch batch);
    Verdict spool_failed(ErrorCode error);

    ReceiverPorts& ports_;
    IntakeOptions options_;
    MessageId id_;
    std::unique_ptr<spool::ContentWriter> writer_;
    std::unique_ptr<Examination> examination_;
    mail::HeaderScanner scanner_;
    mail::HeaderSection header_;
    mail::HeaderSection edited_;            // as it goes on, where that is not header_
    std::unique_ptr<dkim::Signer> signer_;  // null: not signed
    std::string signed_by_;                 // for people
    bool header_done_ = false;
    std::string held_;        // what came before the header was complete
    std::uint64_t size_ = 0;  // octets put
};

}  // namespace dawk::mta
