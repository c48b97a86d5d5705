"""The numbers of Mode Config and XAuth: addresses for a remote client, and its login, after phase 1."""

# Tables: each number on one line or two.
# fmt: off

from __future__ import annotations

from ikelab.wire.numbers.number import Number, Standing

_MODE_CONFIG = "draft-dukes-ike-mode-cfg-02"
_XAUTH = "draft-beaulieu-ike-xauth-02 §6.2"
_UNITY = "private use by Cisco (Unity)"
_CHECK_POINT = "private use by Check Point"


class ConfigType(
    Number,
    rfc=f"{_MODE_CONFIG} §3.3",
    ranges=((0, 0, Standing.RESERVED), (5, 127, Standing.RESERVED), (128, 255, Standing.PRIVATE)),
):
    """What a message with attributes does: ask and answer (pull), or tell and confirm (push)."""

    REQUEST = 1, "ISAKMP_CFG_REQUEST", "Please tell me these; empty attributes are questions.", "", "REQUEST"
    REPLY = 2, "ISAKMP_CFG_REPLY", "Here are the answers.", "", "REPLY"
    SET = 3, "ISAKMP_CFG_SET", "Use these, please; nobody asked for them.", "", "SET"
    ACK = 4, "ISAKMP_CFG_ACK", "I accept the attributes listed here.", "", "ACK"


class ConfigAttribute(
    Number,
    octets=2,
    rfc=f"{_MODE_CONFIG} §3.4",
    ranges=(
        (0, 0, Standing.RESERVED),
        (16, 16383, Standing.RESERVED),
        (16384, 32767, Standing.PRIVATE),
        (32768, 65535, Standing.OUT_OF_RANGE),
    ),
):
    """What is asked for or handed out; the format bit is not part of the number."""

    INTERNAL_IP4_ADDRESS = 1, "INTERNAL_IP4_ADDRESS", "The client's IPv4 address inside the private network."
    INTERNAL_IP4_NETMASK = 2, "INTERNAL_IP4_NETMASK", "The mask of the private IPv4 network."
    INTERNAL_IP4_DNS = 3, "INTERNAL_IP4_DNS", "A name server inside the private network."
    INTERNAL_IP4_NBNS = 4, "INTERNAL_IP4_NBNS", "A NetBIOS (WINS) name server inside the private network."
    INTERNAL_ADDRESS_EXPIRY = 5, "INTERNAL_ADDRESS_EXPIRY", "For how many seconds the address may be used."
    INTERNAL_IP4_DHCP = 6, "INTERNAL_IP4_DHCP", "A DHCP server for further questions."
    APPLICATION_VERSION = 7, "APPLICATION_VERSION", "Which program, in which version, is speaking."
    INTERNAL_IP6_ADDRESS = 8, "INTERNAL_IP6_ADDRESS", "The client's IPv6 address inside the private network."
    INTERNAL_IP6_NETMASK = 9, "INTERNAL_IP6_NETMASK", "The mask of the private IPv6 network."
    INTERNAL_IP6_DNS = 10, "INTERNAL_IP6_DNS", "A name server, by its IPv6 address."
    INTERNAL_IP6_NBNS = 11, "INTERNAL_IP6_NBNS", "A NetBIOS name server, by its IPv6 address."
    INTERNAL_IP6_DHCP = 12, "INTERNAL_IP6_DHCP", "A DHCP server, by its IPv6 address."
    INTERNAL_IP4_SUBNET = 13, "INTERNAL_IP4_SUBNET", "A network that the gateway protects: address and mask."
    SUPPORTED_ATTRIBUTES = 14, "SUPPORTED_ATTRIBUTES", "The list of attributes that this peer understands."
    INTERNAL_IP6_SUBNET = (15, "INTERNAL_IP6_SUBNET",
        "A network that the gateway protects: IPv6 address and prefix length.")
    CHKPT_DEF_DOMAIN = 16387, "CHKPT_DEF_DOMAIN", "Check Point: the domain to append to short names.", _CHECK_POINT
    CHKPT_MAC_ADDRESS = 16388, "CHKPT_MAC_ADDRESS", "Check Point: the client's hardware address.", _CHECK_POINT
    CHKPT_MARCIPAN_REASON_CODE = (16389, "CHKPT_MARCIPAN_REASON_CODE",
        "Check Point: a code for why something was refused.", _CHECK_POINT)
    XAUTH_TYPE = 16520, "XAUTH-TYPE", "Which kind of login is wanted.", _XAUTH
    XAUTH_USER_NAME = 16521, "XAUTH-USER-NAME", "The user's name.", _XAUTH
    XAUTH_USER_PASSWORD = (16522, "XAUTH-USER-PASSWORD",
        "The user's password, readable by whoever holds this SA's keys.", _XAUTH)
    XAUTH_PASSCODE = 16523, "XAUTH-PASSCODE", "The digits a token card shows.", _XAUTH
    XAUTH_MESSAGE = 16524, "XAUTH-MESSAGE", "A text to show to the user.", _XAUTH
    XAUTH_CHALLENGE = 16525, "XAUTH-CHALLENGE", "What the user's device must answer to.", _XAUTH
    XAUTH_DOMAIN = 16526, "XAUTH-DOMAIN", "The domain in which the user's name is valid.", _XAUTH
    XAUTH_STATUS = 16527, "XAUTH-STATUS", "The verdict: logged in, or not.", _XAUTH
    XAUTH_NEXT_PIN = 16528, "XAUTH-NEXT-PIN", "The new PIN for a token card.", _XAUTH
    XAUTH_ANSWER = 16529, "XAUTH-ANSWER", "The user's answer to the message shown.", _XAUTH
    UNITY_BANNER = 28672, "UNITY_BANNER", "Cisco Unity: a greeting to show after login.", _UNITY
    UNITY_SAVE_PASSWD = 28673, "UNITY_SAVE_PASSWD", "Cisco Unity: whether the client may remember the password.", _UNITY
    UNITY_DEF_DOMAIN = 28674, "UNITY_DEF_DOMAIN", "Cisco Unity: the domain to append to short names.", _UNITY
    UNITY_SPLITDNS_NAME = 28675, "UNITY_SPLITDNS_NAME", "Cisco Unity: domains to look up through the tunnel.", _UNITY
    UNITY_SPLIT_INCLUDE = (28676, "UNITY_SPLIT_INCLUDE",
        "Cisco Unity: only these networks go through the tunnel.", _UNITY)
    UNITY_NATT_PORT = 28677, "UNITY_NATT_PORT", "Cisco Unity: the UDP port for encapsulated packets.", _UNITY
    UNITY_LOCAL_LAN = 28678, "UNITY_LOCAL_LAN", "Cisco Unity: these networks bypass the tunnel.", _UNITY
    UNITY_PFS = 28679, "UNITY_PFS", "Cisco Unity: the group to use for perfect forward secrecy.", _UNITY
    UNITY_FW_TYPE = 28680, "UNITY_FW_TYPE", "Cisco Unity: which firewall the client must run.", _UNITY
    UNITY_BACKUP_SERVERS = 28681, "UNITY_BACKUP_SERVERS", "Cisco Unity: gateways to try when this one is down.", _UNITY
    UNITY_DDNS_HOSTNAME = 28682, "UNITY_DDNS_HOSTNAME", "Cisco Unity: the client's host name, for dynamic DNS.", _UNITY


class XauthType(
    Number,
    octets=2,
    title="XAuthType",
    rfc="draft-beaulieu-ike-xauth-02 §6.3",
    ranges=((4, 32767, Standing.RESERVED), (32768, 65535, Standing.PRIVATE)),
):
    """The kind of login that XAuth carries."""

    GENERIC = 0, "Generic", "A name and a password, or whatever else is asked for."
    RADIUS_CHAP = 1, "RADIUS-CHAP", "The password goes hashed with a challenge, for a RADIUS server."
    OTP = 2, "OTP", "A one-time password."
    S_KEY = 3, "S/KEY", "A one-time password of the S/KEY kind."


class XauthStatus(Number, octets=2, title="XAuthStatus", rfc=_XAUTH):
    """The verdict on an XAuth login."""

    FAIL = 0, "FAIL", "The login was refused, and the ISAKMP SA will be deleted."
    OK = 1, "OK", "The user is logged in."
