//! Bounces in the shapes that servers write, each about the same mail. LABEL, ID and FROM stand for the returned mail's.

/// A server's bounce.
pub(crate) struct Shape {
    pub(crate) server: &'static str,
    pub(crate) text: &'static str,
    /// Whether it counts without a label too: plain words don't.
    pub(crate) standard: bool,
}

pub(crate) const HARD: &[Shape] = &[
    Shape {
        server: "Postfix",
        standard: true,
        text: "\
Return-Path: <>
Received: by mx.a.test (Postfix)
\tid 4F1D2C0021; Tue, 24 Nov 2026 08:00:03 +0000 (UTC)
Date: Tue, 24 Nov 2026 08:00:03 +0000 (UTC)
From: MAILER-DAEMON@mx.a.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: me@a.test
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"9A1B2C0020.1795507203/mx.a.test\"
Message-Id: <20261124080003.4F1D2C0021@mx.a.test>

This is a MIME-encapsulated message.

--9A1B2C0020.1795507203/mx.a.test
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.a.test.

<you@b.test>: host mx.b.test[203.0.113.9] said: 550 5.1.1 <you@b.test>:
    Recipient address rejected: User unknown (in reply to RCPT TO command)

--9A1B2C0020.1795507203/mx.a.test
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.a.test
X-Postfix-Queue-ID: 9A1B2C0020
X-Postfix-Sender: rfc822; me@a.test
Arrival-Date: Tue, 24 Nov 2026 08:00:01 +0000 (UTC)

Final-Recipient: rfc822; you@b.test
Original-Recipient: rfc822;you@b.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.b.test
Diagnostic-Code: smtp; 550 5.1.1 <you@b.test>: Recipient address rejected: User
    unknown

--9A1B2C0020.1795507203/mx.a.test
Content-Description: Undelivered Message
Content-Type: message/rfc822

Return-Path: <me@a.test>
Received: from desk (unknown [10.0.0.7])
\tby mx.a.test (Postfix) with ESMTPSA id 9A1B2C0020
\tfor <you@b.test>; Tue, 24 Nov 2026 08:00:01 +0000 (UTC)
FROM
To: you@b.test
ID
Subject: A question
LABEL
Content-Type: text/plain; charset=utf-8

Shall we meet at ten?

--9A1B2C0020.1795507203/mx.a.test--
",
    },
    Shape {
        server: "Exim",
        standard: true,
        text: "\
Return-path: <>
Received: from Debian-exim by mx.a.test with local (Exim 4.96) id 1tF; Tue, 24 Nov 2026 08:00:03 +0000
X-Failed-Recipients: you@b.test
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.a.test>
To: me@a.test
References: <1@a.test>
Content-Type: multipart/report; report-type=delivery-status; boundary=1795507203-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1tF-0001@mx.a.test>

--1795507203-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

  you@b.test
    host mx.b.test [203.0.113.9]
    SMTP error from remote mail server after RCPT TO:<you@b.test>:
    550 5.1.1 no such user

--1795507203-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; mx.a.test

Action: failed
Final-Recipient: rfc822;you@b.test
Status: 5.0.0
Remote-MTA: dns; mx.b.test
Diagnostic-Code: smtp; 550 5.1.1 no such user

--1795507203-eximdsn-1804289383
Content-type: message/rfc822

Return-path: <me@a.test>
FROM
To: you@b.test
ID
LABEL
Subject: A question

Shall we meet at ten?

--1795507203-eximdsn-1804289383--
",
    },
    Shape {
        server: "Exchange",
        standard: true,
        text: "\
Received: from EX01.a.test (10.2.0.4) by EX02.a.test (10.2.0.5) with Microsoft
 SMTP Server (version=TLS1_2) id 15.1.2507.39; Tue, 24 Nov 2026 08:00:03 +0000
From: <postmaster@a.test>
To: <me@a.test>
Date: Tue, 24 Nov 2026 08:00:03 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"f3ad2f86-0b1c-4d8f-8f3b-3e7f0f1c2d3e\"
Content-Language: en-US
Message-ID: <f3ad2f86-0b1c-4d8f-8f3b@a.test>
In-Reply-To: <1@a.test>
Subject: Undeliverable: A question
Auto-Submitted: auto-replied

--f3ad2f86-0b1c-4d8f-8f3b-3e7f0f1c2d3e
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary=\"7d1c\"

--7d1c
Content-Type: text/plain; charset=\"us-ascii\"
Content-Transfer-Encoding: quoted-printable

Delivery has failed to these recipients or groups:

you@b.test
The email address you entered couldn't be found.

--7d1c
Content-Type: text/html; charset=\"us-ascii\"
Content-Transfer-Encoding: quoted-printable

<html><body>Delivery has failed</body></html>

--7d1c--

--f3ad2f86-0b1c-4d8f-8f3b-3e7f0f1c2d3e
Content-Type: message/delivery-status

Reporting-MTA: dns;EX02.a.test
Received-From-MTA: dns;EX01.a.test
Arrival-Date: Tue, 24 Nov 2026 08:00:02 +0000

Original-Recipient: rfc822;YOU@b.test
Final-Recipient: rfc822;YOU@b.test
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient you@b.test not found by SMTP address lookup
X-Display-Name: you@b.test

--f3ad2f86-0b1c-4d8f-8f3b-3e7f0f1c2d3e
Content-Type: text/rfc822-headers

Received: from EX01.a.test (10.2.0.4) by EX02.a.test (10.2.0.5)
FROM
To: <you@b.test>
Subject: A question
ID
LABEL
X-MS-Has-Attach:

--f3ad2f86-0b1c-4d8f-8f3b-3e7f0f1c2d3e--
",
    },
    Shape {
        server: "Gmail",
        standard: true,
        text: "\
Delivered-To: me@a.test
Received: by 2002:a05:6a10:1234 with SMTP id abc; Tue, 24 Nov 2026 00:00:03 -0800 (PST)
Return-Path: <>
Received: from mail-sor-f69.google.com (mail-sor-f69.google.com. [209.85.220.69])
        by mx.a.test with SMTPS id x; Tue, 24 Nov 2026 00:00:03 -0800 (PST)
Authentication-Results: mx.a.test;
       dkim=pass header.i=@b.test header.s=20230601 header.b=abc;
       spf=pass (mx.a.test: domain of postmaster@mail-sor-f69.google.com) smtp.helo=mail-sor-f69.google.com;
       dmarc=pass (p=NONE) header.from=b.test
From: Mail Delivery Subsystem <mailer-daemon@b.test>
To: me@a.test
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
In-Reply-To: <1@a.test>
Message-ID: <6741aabb.0c0a@b.test>
Date: Tue, 24 Nov 2026 00:00:03 -0800 (PST)
Content-Type: multipart/report; boundary=\"000000000000aa\"; report-type=delivery-status

--000000000000aa
Content-Type: multipart/related; boundary=\"000000000000bb\"

--000000000000bb
Content-Type: multipart/alternative; boundary=\"000000000000cc\"

--000000000000cc
Content-Type: text/plain; charset=\"UTF-8\"

** Address not found **

Your message wasn't delivered to you@b.test because the address couldn't be found.

--000000000000cc
Content-Type: text/html; charset=\"UTF-8\"

<html></html>

--000000000000cc--
--000000000000bb--
--000000000000aa
Content-Type: message/delivery-status

Reporting-MTA: dns; b.test
Received-From-MTA: dns; me@a.test
Arrival-Date: Tue, 24 Nov 2026 00:00:01 -0800 (PST)
X-Original-Message-ID: <1@a.test>

Final-Recipient: rfc822; you@b.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com. (203.0.113.26)
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.
Last-Attempt-Date: Tue, 24 Nov 2026 00:00:03 -0800 (PST)

--000000000000aa
Content-Type: message/rfc822

X-Received: by 2002:a17:906:1d0b; Tue, 24 Nov 2026 00:00:01 -0800 (PST)
FROM
ID
Subject: A question
To: you@b.test
LABEL
Content-Type: text/plain; charset=\"UTF-8\"

Shall we meet at ten?

--000000000000aa--
",
    },
    Shape {
        server: "qmail",
        standard: false,
        text: "\
Return-Path: <>
Received: (qmail 1234 invoked for bounce); 24 Nov 2026 08:00:03 -0000
Date: 24 Nov 2026 08:00:03 -0000
From: MAILER-DAEMON@mx.a.test
To: me@a.test
Subject: failure notice

Hi. This is the qmail-send program at mx.a.test.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<you@b.test>:
203.0.113.9 does not like recipient.
Remote host said: 550 5.1.1 no such user

--- Below this line is a copy of the message.

Return-Path: <me@a.test>
Received: (qmail 1233 invoked by uid 1000); 24 Nov 2026 08:00:01 -0000
FROM
To: you@b.test
ID
LABEL
Subject: A question

Shall we meet at ten?
",
    },
];

/// A complaint as feedback loops write it.
pub(crate) const COMPLAINT: &str = "\
Received: from fbl.b.test (fbl.b.test [203.0.113.30]) by mx.a.test with ESMTPS; Tue, 24 Nov 2026 09:00:00 +0000
Authentication-Results: mx.a.test; dkim=pass header.d=fbl.b.test; dmarc=pass header.from=fbl.b.test
From: <feedback@fbl.b.test>
To: <me@a.test>
Subject: Abuse report
Message-ID: <arf-1@fbl.b.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=\"part\"

--part
Content-Type: text/plain

This is an email abuse report.

--part
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <me@a.test>
Original-Rcpt-To: <you@b.test>
Arrival-Date: Tue, 24 Nov 2026 08:00:02 +0000

--part
Content-Type: message/rfc822

FROM
To: <you@b.test>
ID
LABEL
Subject: A question

Shall we meet at ten?

--part--
";

/// A DMARC aggregate; XML stands for the attachment in base64.
pub(crate) const AGGREGATE: &str = "\
Received: from out.p.test (out.p.test [203.0.113.31]) by mx.a.test with ESMTPS; Tue, 24 Nov 2026 09:00:00 +0000
Authentication-Results: mx.a.test; dkim=pass header.d=p.test; dmarc=pass header.from=p.test
From: <noreply-dmarc@p.test>
To: <me@a.test>
Subject: Report Domain: a.test
 Submitter: p.test
 Report-ID: 77
Message-ID: <agg-77@p.test>
MIME-Version: 1.0
Content-Type: application/gzip; name=\"p.test!a.test!1795392000!1795478399.xml.gz\"
Content-Disposition: attachment; filename=\"p.test!a.test!1795392000!1795478399.xml.gz\"
Content-Transfer-Encoding: base64

XML
";

/// What it holds: 40 mails passed by DKIM, 2 by SPF, 3 by neither.
pub(crate) const AGGREGATE_XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>
<feedback>
  <report_metadata><org_name>p.test</org_name><email>noreply-dmarc@p.test</email><report_id>77</report_id>
    <date_range><begin>1795392000</begin><end>1795478399</end></date_range></report_metadata>
  <policy_published><domain>a.test</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct></policy_published>
  <record><row><source_ip>203.0.113.1</source_ip><count>40</count>
    <policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>a.test</header_from></identifiers><auth_results></auth_results></record>
  <record><row><source_ip>203.0.113.2</source_ip><count>2</count>
    <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>pass</spf></policy_evaluated></row>
    <identifiers><header_from>a.test</header_from></identifiers></record>
  <record><row><source_ip>203.0.113.3</source_ip><count>3</count>
    <policy_evaluated><disposition>none</disposition><dkim>fail</dkim><spf>fail</spf></policy_evaluated></row>
    <identifiers><header_from>a.test</header_from></identifiers></record>
</feedback>
";
