"""What the numbers in IKEv1's messages are called and what they mean: one class for each registry.

`Notify(14).label` is "NO-PROPOSAL-CHOSEN"; a number nobody registered is named after its range. Records keep plain
integers; names are looked up when something is shown.
"""

from __future__ import annotations

from ikelab.wire.numbers.config import ConfigAttribute, ConfigType, XauthStatus, XauthType
from ikelab.wire.numbers.ike import AuthMethod, Encryption, Group, GroupType, Hash, IkeAttribute, LifeType, Prf
from ikelab.wire.numbers.ipsec import (
    AuthAlgorithm,
    EcnTunnel,
    Encapsulation,
    EsnChoice,
    IdType,
    IpProtocol,
    IpsecAttribute,
    Protocol,
    Situation,
    TransformAh,
    TransformEsp,
    TransformIpcomp,
    TransformIsakmp,
)
from ikelab.wire.numbers.isakmp import CertEncoding, Doi, ExchangeType, HeaderFlag, Notify, PayloadType
from ikelab.wire.numbers.number import Bits, Number, Registry, Standing

REGISTRIES: tuple[type[Number], ...] = (
    PayloadType,
    ExchangeType,
    HeaderFlag,
    Doi,
    CertEncoding,
    Notify,
    IkeAttribute,
    Encryption,
    Hash,
    AuthMethod,
    Group,
    GroupType,
    LifeType,
    Prf,
    Situation,
    Protocol,
    TransformIsakmp,
    TransformAh,
    TransformEsp,
    TransformIpcomp,
    IpsecAttribute,
    Encapsulation,
    AuthAlgorithm,
    EcnTunnel,
    EsnChoice,
    IdType,
    IpProtocol,
    ConfigType,
    ConfigAttribute,
    XauthType,
    XauthStatus,
)
"""Every registry, in the order in which a reader meets them: the header, phase 1, phase 2, configuration."""

__all__ = [
    "REGISTRIES",
    "AuthAlgorithm",
    "AuthMethod",
    "Bits",
    "CertEncoding",
    "ConfigAttribute",
    "ConfigType",
    "Doi",
    "EcnTunnel",
    "Encapsulation",
    "Encryption",
    "EsnChoice",
    "ExchangeType",
    "Group",
    "GroupType",
    "Hash",
    "HeaderFlag",
    "IdType",
    "IkeAttribute",
    "IpProtocol",
    "IpsecAttribute",
    "LifeType",
    "Notify",
    "Number",
    "PayloadType",
    "Prf",
    "Protocol",
    "Registry",
    "Situation",
    "Standing",
    "TransformAh",
    "TransformEsp",
    "TransformIpcomp",
    "TransformIsakmp",
    "XauthStatus",
    "XauthType",
]
